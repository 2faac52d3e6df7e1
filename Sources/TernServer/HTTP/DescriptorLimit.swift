// Each connection takes a descriptor, and the system's usual bound of 1024 is soon met: a server
// that cannot accept would turn in circles.

import Glibc

/// The process's bound on open descriptors.
enum DescriptorLimit {
    /// Kept for files, the loop and the connections that are told to come back later.
    private static let reserve = 64

    /// Raises the bound as far as the system lets us, and gives the connections that fit.
    static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return 1024 - reserve
        }
        var raised = limit
        raised.rlim_cur = limit.rlim_max
        let isRaised = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0
        let descriptors = isRaised ? raised.rlim_cur : limit.rlim_cur
        return Int(clamping: descriptors) - reserve
    }
}
