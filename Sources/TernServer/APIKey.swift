// The one secret of the server. It is compared in a time that does not depend on where a guess
// goes wrong.

/// A key that clients must present.
struct APIKey: Sendable {
    private let key: [UInt8]

    init(_ key: String) { self.key = Array(key.utf8) }

    /// Whether a request carries `Authorization: Bearer` with this key.
    ///
    /// Cost: linear in the length of what was sent, right or wrong.
    func opens(_ head: RequestHead) -> Bool {
        guard let value = head["authorization"] else { return false }
        let scheme = "bearer "
        guard value.utf8.count >= scheme.utf8.count,
            value.prefix(scheme.count).lowercased() == scheme
        else { return false }
        let guess = Array(value.utf8.dropFirst(scheme.utf8.count))
        var difference: UInt8 = guess.count == key.count ? 0 : 1
        for (index, byte) in guess.enumerated() where !key.isEmpty {
            difference |= byte ^ key[index % key.count]
        }
        return difference == 0 && !key.isEmpty
    }
}
