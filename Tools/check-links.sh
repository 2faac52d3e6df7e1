#!/usr/bin/env bash
# Checks that every relative link of the Markdown files leads to a file, and that every path under
# Sources named in docs/architecture.md exists.
set -euo pipefail
cd "$(dirname "$0")/.."

broken=0

report() {
    echo "$1"
    broken=1
}

while IFS= read -r page; do
    while IFS= read -r target; do
        [[ -e $(dirname "$page")/$target ]] || report "$page: no such file: $target"
    done < <(grep -oE '\]\([^)# ]+' "$page" | sed 's/^](//' | grep -v '://')
done < <(git ls-files --cached --others --exclude-standard '*.md')

while IFS= read -r path; do
    [[ -e Sources/$path ]] || report "docs/architecture.md: no such file: Sources/$path"
done < <(grep -oE '`(Tern[A-Za-z]*|tern)/[A-Za-z/+]+\.swift`' docs/architecture.md | tr -d '`')

exit "$broken"
