// Takes a character away from the ends of a text, of a token by itself or of a text that grows
// (station 12 of the walk). One of the steps of TokenDecoder.

/// A character and how often at most it is taken from each end.
struct StripStep: Sendable {
    let character: [UInt8]
    let start: Int
    let stop: Int

    /// A text without the character at its ends.
    func callAsFunction(_ text: [UInt8]) -> [UInt8] {
        var low = 0
        var high = text.count
        var cuts = 0
        while cuts < start, text[low...].starts(with: character) {
            low += character.count
            cuts += 1
        }
        cuts = 0
        while cuts < stop, high - low >= character.count,
            text[low..<high].suffix(character.count).elementsEqual(character)
        {
            high -= character.count
            cuts += 1
        }
        return Array(text[low..<high])
    }

    /// The same of a text that comes in pieces of whole characters: what may be its end waits.
    struct Stream: Sendable {
        private let step: StripStep
        private var startsLeft: Int
        private var waiting = 0

        init(_ step: StripStep, isAtStart: Bool) {
            self.step = step
            startsLeft = isAtStart ? step.start : 0
        }

        /// Takes more text and returns what is certain to stay.
        mutating func append(_ text: [UInt8]) -> [UInt8] {
            var low = 0
            while startsLeft > 0, low < text.count {
                guard text[low...].starts(with: step.character) else {
                    startsLeft = 0
                    break
                }
                low += step.character.count
                startsLeft -= 1
            }
            if low == text.count { return [] }
            var result: [UInt8] = []
            for _ in 0..<waiting { result += step.character }
            result += text[low...]
            waiting = 0
            while waiting < step.stop, result.count >= step.character.count,
                result.suffix(step.character.count).elementsEqual(step.character)
            {
                result.removeLast(step.character.count)
                waiting += 1
            }
            return result
        }
    }
}
