// The date and time that `strftime_now` writes: a value, so that a rendering can be repeated. The
// formatting is the C library's, as in Python; the time is local and knows no zone.

import Glibc

/// A date and a time of day, in no particular zone.
public struct CivilTime: Sendable, Equatable {
    /// Years of the common era.
    public var year: Int
    /// 1 to 12.
    public var month: Int
    /// 1 to 31.
    public var day: Int
    /// 0 to 23.
    public var hour: Int
    /// 0 to 59.
    public var minute: Int
    /// 0 to 60.
    public var second: Int
    /// 0 to 999,999.
    public var microsecond: Int

    /// Makes a date and a time.
    public init(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0,
        microsecond: Int = 0
    ) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
        self.microsecond = microsecond
    }

    /// The local time.
    public static func now() -> CivilTime {
        var now = timespec()
        var parts = tm()
        clock_gettime(CLOCK_REALTIME, &now)
        localtime_r(&now.tv_sec, &parts)
        return CivilTime(
            year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday),
            hour: Int(parts.tm_hour), minute: Int(parts.tm_min), second: Int(parts.tm_sec),
            microsecond: now.tv_nsec / 1000)
    }

    /// The time in the words of `strftime`; nil where the text is longer than 1,000 bytes.
    func formatted(_ format: String) -> String? {
        var parts = tm()
        parts.tm_year = Int32(clamping: year - 1900)
        parts.tm_mon = Int32(clamping: month - 1)
        parts.tm_mday = Int32(clamping: day)
        parts.tm_hour = Int32(clamping: hour)
        parts.tm_min = Int32(clamping: minute)
        parts.tm_sec = Int32(clamping: second)
        timegm(&parts)
        // A last blank tells an empty text from one that did not fit: both have length zero.
        let known = expanding(format) + " "
        guard known.utf8.count < 1000, !known.utf8.contains(0) else { return nil }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1024) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            let length = strftime(base, buffer.count, known, &parts)
            guard length > 0 else { return nil }
            let bytes = buffer[..<(length - 1)].map { UInt8(bitPattern: $0) }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Replaces what Python formats itself: `%f`, and `%z` and `%Z`, which are empty without a
    /// zone.
    private func expanding(_ format: String) -> String {
        var result = String.UnicodeScalarView()
        var isDirective = false
        for scalar in format.unicodeScalars {
            if isDirective {
                isDirective = false
                switch scalar {
                case "f":
                    let digits = String(microsecond)
                    let zeros = String(repeating: "0", count: max(0, 6 - digits.count))
                    result.append(contentsOf: (zeros + digits).unicodeScalars)
                case "z", "Z": break
                default: result.append(contentsOf: ["%", scalar])
                }
            } else if scalar == "%" {
                isDirective = true
            } else {
                result.append(scalar)
            }
        }
        if isDirective { result.append("%") }
        return String(result)
    }
}
