#!/bin/sh
# Publishes a request for every image of a folder and prints the answers as they come. Repeats until nothing is rejected or ROUNDS are over.
#   VLWORKER_BROKER_URI BUCKET FOLDER, as environment variables; ROUNDS (default 1)
set -eu
round=1
while [ "$round" -le "${ROUNDS:-1}" ]; do
    for file in "$FOLDER"/*.jpg "$FOLDER"/*.png "$FOLDER"/*.webp; do
        [ -e "$file" ] && echo "${file##*/}"
    done | "${PRODUCER:-/app/vl-producer}" publish --bucket "$BUCKET" --list - --job samples --wait --format jsonl
    round=$((round + 1))
done
