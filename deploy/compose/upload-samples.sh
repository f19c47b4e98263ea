#!/bin/sh
# Puts every image of a folder into a bucket, which it makes first. Needs curl alone.
#   STORE (http://host:port) ACCESS_KEY SECRET_KEY BUCKET FOLDER, as environment variables
set -eu

# curl signs the request (Signature Version 4); the payload need not be hashed for that.
signed() {
    curl --silent --show-error --fail --retry 5 --retry-connrefused --aws-sigv4 "aws:amz:us-east-1:s3" --user "$ACCESS_KEY:$SECRET_KEY" \
        --header "x-amz-content-sha256: UNSIGNED-PAYLOAD" --output /dev/null "$@"
}

signed --head "$STORE/$BUCKET/" 2>/dev/null || signed --request PUT "$STORE/$BUCKET/"
count=0
for file in "$FOLDER"/*.jpg "$FOLDER"/*.png "$FOLDER"/*.webp; do
    [ -e "$file" ] || continue
    signed --upload-file "$file" "$STORE/$BUCKET/${file##*/}"
    count=$((count + 1))
done
echo "$count images in $STORE/$BUCKET"
[ "$count" -gt 0 ]
