// What the system says of other processes.

import Glibc

/// The processes of this machine.
public enum Processes {
    /// The processes that one started and that have not been waited for, in order of their numbers.
    public static func children(of parent: pid_t) -> [pid_t] {
        TemporaryFolder.names(in: "/proc").compactMap { pid_t($0) }.filter { process in
            // The name stands in parentheses and may hold anything; state and parent follow it.
            guard let bytes = try? Fixture.bytes("/proc/\(process)/stat") else { return false }
            let fields = String(decoding: bytes, as: UTF8.self).split(separator: ")").last?.split(
                separator: " ")
            return fields?.dropFirst().first.flatMap { pid_t($0) } == parent
        }.sorted()
    }

    /// The child that runs a server's ranks under these words.
    public static func ranks(of parent: pid_t, with word: String = "host-ranks") -> pid_t? {
        children(of: parent).first { process in
            let line = (try? Fixture.bytes("/proc/\(process)/cmdline")) ?? []
            return line.split(separator: 0).contains { $0.elementsEqual(word.utf8) }
        }
    }

    /// Bytes of memory that a running process has touched and still holds.
    public static func residentBytes(of process: pid_t) throws -> Int {
        let path = "/proc/\(process)/smaps_rollup"
        let text = String(decoding: try Fixture.bytes(path), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("Rss:") }
        guard let bytes = line.flatMap(bytes(of:)) else { throw Fixture.Missing(path: path) }
        return bytes
    }

    /// What a line of the system says, which is in units of 1,024 bytes.
    private static func bytes(of line: Substring) -> Int? {
        line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { 1024 * $0 }
    }

    /// Bytes of a file that a running process has mapped and in memory; nil where it maps none.
    public static func residentBytes(of process: pid_t, from file: String) throws -> Int? {
        let text = String(decoding: try Fixture.bytes("/proc/\(process)/smaps"), as: UTF8.self)
        // A line with the file's name begins what is said of each mapping.
        var isOfFile = false
        var resident: Int?
        for line in text.split(separator: "\n") {
            if line.prefix(while: { $0 != " " }).last != ":" {
                isOfFile = line.hasSuffix("/" + file)
            } else if isOfFile, line.hasPrefix("Rss:"), let bytes = bytes(of: line) {
                resident = (resident ?? 0) + bytes
            }
        }
        return resident
    }

    /// Whether a process runs or waits to be buried.
    public static func exists(_ process: pid_t) -> Bool { kill(process, 0) == 0 }
}
