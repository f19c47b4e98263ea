#!/bin/bash
# Prints the hash of a password for definitions.json: four bytes of salt, then SHA-256 of the salt and the password, in base64.
#   hash-password.sh < FILE    (the password is the first line; SALT may be given as eight hexadecimal digits)
set -euo pipefail
read -r password
salt=${SALT:-$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')}
bytes() { sed 's/../\\x&/g' <<<"$1"; }
hash=$(printf "$(bytes "$salt")%s" "$password" | sha256sum | cut -c1-64)
printf "$(bytes "$salt$hash")" | base64
