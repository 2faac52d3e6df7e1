#!/usr/bin/env bash
# Makes sure that what Tern is built with is there. Says nothing when it is. What is missing is
# installed as root on Debian and Ubuntu; otherwise it is named, with the command that installs it.
set -euo pipefail

readonly oldest_swift="6.2"
readonly packages=(libevent-dev libpcre2-dev libutf8proc-dev pkg-config)

fail() {
    printf 'tern: %s\n' "$@" >&2
    exit 1
}

check_swift() {
    command -v swift >/dev/null ||
        fail "no swift on the PATH; Tern needs Swift $oldest_swift or later" \
            "install a toolchain from https://www.swift.org/install/linux and add its usr/bin"
    local found
    found=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -n 1)
    [[ $(printf '%s\n' "$oldest_swift" "$found" | sort -V | head -n 1) == "$oldest_swift" ]] ||
        fail "found Swift ${found:-of no known version}; Tern needs $oldest_swift or later" \
            "install a newer toolchain from https://www.swift.org/install/linux"
}

missing_packages() {
    local package
    for package in "${packages[@]}"; do
        dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null |
            grep -q 'ok installed' || echo "$package"
    done
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update --quiet
    apt-get install --quiet --yes --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}

check_swift
command -v dpkg-query >/dev/null || {
    pkg-config --exists libevent libevent_pthreads libpcre2-8 libutf8proc 2>/dev/null && exit 0
    fail "not a Debian system, and pkg-config does not find all of libevent, libpcre2-8, libutf8proc" \
        "install their development packages (Debian calls them ${packages[*]})"
}
mapfile -t missing < <(missing_packages)
((${#missing[@]} == 0)) && exit 0
((EUID == 0)) || fail "missing packages: ${missing[*]}" \
    "install them with: sudo apt-get update && sudo apt-get install ${missing[*]}"
echo "tern: installing ${missing[*]}"
install_packages "${missing[@]}"
