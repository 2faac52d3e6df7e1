// Where inputs begin and where a target may write: the repository's golden files, and a folder that
// goes with the run.

import Glibc
import TernJSON

/// Right inputs, from the files that tests compare with.
struct Corpus {
    /// The repository's root.
    let root: String

    /// The bytes of a file, named from the root on.
    func bytes(_ path: String) throws -> [UInt8] {
        try FileContent.bytes(of: root + "/" + path)
    }

    /// The contents of all files of a folder with an ending, in the order of their names.
    func files(in folder: String, ending: String) throws -> [[UInt8]] {
        try names(in: folder).filter { $0.hasSuffix(ending) }.map { try bytes(folder + "/" + $0) }
    }

    /// The names in a folder, sorted.
    func names(in folder: String) -> [String] {
        guard let stream = opendir(root + "/" + folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}

/// A folder for the files of one run.
struct Scratch {
    let folder: String

    /// A folder that is there.
    init(folder: String) { self.folder = folder }

    /// Makes a folder of its own.
    init() throws {
        var template = Array("/tmp/tern-fuzz-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FuzzError("mkdtemp: error \(errno)") }
        folder = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
    }

    /// Removes the folder with what targets write.
    func remove() {
        for name in ["config.json", "model.safetensors", "model.gguf"] {
            unlink(folder + "/" + name)
        }
        rmdir(folder)
    }

    /// Writes a file, in place of what was there.
    func write(_ name: String, _ bytes: [UInt8]) {
        let file = open(folder + "/" + name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        precondition(file >= 0, "open \(name): error \(errno)")
        defer { close(file) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            precondition(count > 0, "write \(name): error \(errno)")
            rest = rest.dropFirst(count)
        }
    }
}
