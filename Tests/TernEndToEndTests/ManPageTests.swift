import Testing

@testable import tern

@Suite("The manual page")
struct ManPageTests {
    private let text = ManPage(version: "1.2.3", commands: [Serve.command, Generate.command]).text

    @Test("It has every option of every command, with its help")
    func options() {
        #expect(text.hasPrefix(".TH TERN 1 \"\" \"tern 1.2.3\""))
        for command in [Serve.command, Generate.command] {
            #expect(text.contains(".SS tern \(command.name)\n"))
            for option in command.options {
                #expect(text.contains("\n\\fB\(ManPage.escaped(option.usage))\\fR\n"))
                #expect(text.contains("\n\(ManPage.escaped(option.help))\n"))
            }
        }
    }

    @Test("No text is read as a request, and hyphens stay hyphens")
    func escapes() {
        #expect(ManPage.escaped(".so x\n'a'\n\n--b \\n") == "\\&.so x\n\\&'a'\n\\-\\-b \\en")
        for line in text.split(separator: "\n") where line.hasPrefix(".") {
            let macro = line.split(separator: " ")[0]
            #expect([".TH", ".SH", ".SS", ".TP", ".PP", ".EX", ".EE", ".br"].contains(macro))
        }
    }
}
