#!/usr/bin/env bash
# A question to a running server with curl: whole, then as a stream.
#
#     examples/chat.sh "Who is the son of Ulysses?"
#     TERN_URL=https://tern.example.com TERN_API_KEY=… examples/chat.sh "Hail!"
#     TERN_SOCKET=/run/tern/tern.sock examples/chat.sh "Hail!"
set -euo pipefail

readonly question=${1:-What is 123 + 456?}
readonly url=${TERN_URL:-http://127.0.0.1:8000}

ask() {
    curl --silent --show-error --fail-with-body \
        ${TERN_SOCKET:+--unix-socket "$TERN_SOCKET"} \
        ${TERN_API_KEY:+--header "Authorization: Bearer $TERN_API_KEY"} "$@"
}

# body STREAM: the request, with the question as JSON text.
body() {
    local text=${question//\\/\\\\}
    text=${text//\"/\\\"}
    text=${text//$'\n'/\\n}
    printf '{"model": "%s", "temperature": 0, "max_tokens": 200, "stream": %s,
        "messages": [{"role": "user", "content": "%s"}]}' "$model" "$1" "$text"
}

model=$(ask "$url/v1/models" | sed 's/.*"id": *"\([^"]*\)".*/\1/')

ask "$url/v1/chat/completions" --json "$(body false)"
echo
ask --no-buffer "$url/v1/chat/completions" --json "$(body true)"
