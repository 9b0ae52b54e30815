#!/bin/sh
# follow.sh: prints the names of changed objects, one a line, each change once. The cursor is kept in FILE; "*"
# says that everything has to be read (at first, and when the changes are not known any more).
#
# usage: follow.sh URL FILE [once]
set -eu
url=${1%/} file=$2 once=${3-}
wait=30
[ "$once" != once ] || wait=0
answer=$(mktemp)
trap 'rm -f "$answer" "$answer.head"' EXIT

# Writes the status; the headers go to $answer.head, the body to $answer.
get() {
    curl -s -G -D "$answer.head" -o "$answer" -w '%{http_code}' -H 'Clusto-Minify: true' -H "Clusto-Wait: $wait" "$url/changes" "$@" || true
}

header() {
    sed -n 's/\r$//; s/^'"$1"': //Ip' "$answer.head"
}

keep() {
    header Clusto-Next > "$file.new"
    mv "$file.new" "$file"
}

if [ ! -s "$file" ]; then
    [ "$(get -d since=now)" = 200 ] || { echo "follow.sh: no cursor from $url" >&2; exit 1; }
    keep
    echo '*'
fi
while :; do
    more=false
    began=$(date +%s)
    case $(get -d attrs=false -d "since=$(cat "$file")") in
    200)
        grep -o '"object": "[^"]*"' "$answer" | sed 's/^"object": "//; s/"$//' || true
        keep
        more=$(header Clusto-More)
        ;;
    410)
        echo '*'
        keep
        more=true
        ;;
    429 | 502 | 503 | 000) [ "$once" != once ] || exit 1 ;;
    *)
        cat "$answer" >&2
        exit 1
        ;;
    esac
    [ "$more" = true ] || [ "$once" != once ] || exit 0
    # Where nobody can wait, one request a second.
    [ "$more" = true ] || [ "$(date +%s)" != "$began" ] || sleep 1
done
