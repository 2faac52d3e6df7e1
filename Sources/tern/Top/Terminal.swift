// The terminal that `tern top` draws on: keys without waiting for a line, a second screen that leaves
// the first as it was. Whatever ends the program by a key goes through `restore`.

import Glibc

/// A terminal in use.
struct Terminal {
    /// No terminal is wider.
    static let mostColumns = 1000

    private let before: termios

    /// Takes the terminal over; nil where standard input and output are none.
    init?() {
        var settings = termios()
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1,
            tcgetattr(STDIN_FILENO, &settings) == 0
        else { return nil }
        before = settings
        // Keys come at once and unseen; ^C is a key, so that the screen is restored after it.
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        Console.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Gives it back.
    func restore() {
        Console.write("\u{1B}[?25h\u{1B}[?1049l")
        var settings = before
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    /// Columns of the moment.
    var width: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return min(Self.mostColumns, Int(size.ws_col))
    }

    /// Draws a screen over the one before.
    func show(_ lines: [String]) {
        Console.write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K\r\n" }.joined() + "\u{1B}[J")
    }

    /// Whether q, ^C or the end of the input comes within a time.
    func isEndTyped(within seconds: Double) -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while true {
            let rest = ContinuousClock.now.duration(to: end) / .milliseconds(1)
            guard rest > 0 else { return false }
            var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard poll(&input, 1, Int32(rest.rounded(.up))) > 0 else { continue }
            var key: UInt8 = 0
            guard read(STDIN_FILENO, &key, 1) == 1 else { return true }
            if key == UInt8(ascii: "q") || key == 3 { return true }
        }
    }
}
