#!/usr/bin/env bash
# The rules of CONTRIBUTING.md that the formatter does not know. Prints every breach as file:line and
# fails if there is one.
set -euo pipefail
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/.."

breaches=0

report() {
    printf '%s\n' "$1"
    breaches=1
}

# forbid RULE PATTERN EXTENSIONS: no line may match.
forbid() {
    local rule=$1 pattern=$2 extensions=$3 found
    found=$(find Sources Tests -type f -regextype egrep -regex ".*\.($extensions)" -print0 |
        xargs -0 --no-run-if-empty grep -HnP "$pattern" || true)
    [[ -z $found ]] || report "$rule:"$'\n'"$found"
}

# The start of a line that is no comment.
readonly code='^(?! *//).*'

forbid "handle the error instead of try!" "$code"'\btry!' swift
forbid "handle the mismatch instead of as!" "$code"'\bas! ' swift
forbid "throw what callers caused; use precondition for our own bugs" "$code"'\bfatalError\b' swift
forbid "no Foundation: use Glibc and the standard library" '^[ @a-z_()]*import Foundation' swift
forbid "no mutable globals" '^(public |private |fileprivate |nonisolated\(unsafe\) )*var ' swift
forbid "no stored static var" "$code"'\bstatic var [^{]*$' swift
forbid "no nonisolated(unsafe), no task-locals" "$code"'(nonisolated\(unsafe\)|@TaskLocal)' swift
forbid "an empty catch hides a failure" "$code"'catch *\{ *\}' swift
forbid "name what it is" \
    '\b(struct|class|enum|protocol|actor) \w*(Manager|Helper|Util|Utils|Common|Info|Base|Data)\b' swift
forbid "file an issue instead" '\b(TODO|FIXME|XXX)\b' 'swift|c|h'
forbid "at most 100 columns" '^.{101,}' 'c|h'

while IFS= read -r file; do
    lines=$(wc -l <"$file")
    ((lines <= 500)) || report "$file: $lines lines; split it by idea, at most 500"
    [[ $file != Sources/*.swift || $(head -c 2 "$file") == "//" ]] ||
        report "$file: opens without a paragraph on its place in the walk"
done < <(find Sources Tests \( -name '*.swift' -o -name '*.c' -o -name '*.h' \) -type f)

exit "$breaches"
