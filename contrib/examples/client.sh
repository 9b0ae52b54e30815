#!/bin/sh
# client.sh: a client with curl alone: requests, errors, and retries that do nothing twice.
#
# usage: client.sh URL NAME     makes a pool NAME with two servers, and shows it
set -eu
[ $# = 2 ] || { sed -n 's/^# //p' "$0" >&2; exit 2; }
url=${1%/} name=$2 nobody="nobody's"
body=$(mktemp)
trap 'rm -f "$body"' EXIT

# METHOD PATH [OPTION OF CURL]...: the body goes to $body, the status to $status; false from 400 on. With its
# key, a write that comes again is not done again: it gets the response of the first.
request() {
    method=$1 path=$2
    shift 2
    case $method in
    GET) set -- -G "$@" ;;
    *) set -- -X "$method" -H "Idempotency-Key: $(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" "$@" ;;
    esac
    status=$(curl -s -o "$body" -w '%{http_code}' --retry 5 --retry-connrefused -H 'Clusto-Minify: true' "$@" "$url$path") || true
    [ "$status" -lt 400 ] && [ "$status" != 000 ]
}

# Or the end, with what the server says.
must() {
    request "$@" || { echo "client.sh: $1 $2: $status $(cat "$body")" >&2; exit 1; }
}

must POST /entity/pool --data-urlencode "name=$name"
echo "$(tr -d '[]"' <"$body") $status"
must POST /entity/basicserver --data-urlencode "name=$name-1" --data-urlencode "name=$name-2"
must POST "/entity/pool/$name" -d action=insert --data-urlencode "device=$name-1" --data-urlencode "device=$name-2"
must PUT "/attribute/$name-1/owner" --data-urlencode 'value=Zoë & co' -H 'Clusto-Description: an example'
# CSV is easier to read in a shell than JSON.
must GET /query --data-urlencode "q=within \"$name\"" --data-urlencode 'fields=name,attr owner' -H 'Accept: text/csv'
sed 1d "$body" | tr -d '"\r' | while IFS=, read -r server owner; do
    echo "$server ${owner:-$nobody}"
done
request GET "/by-name/$name-3" || echo "$status $(sed 's/^"//; s/"$//; s/\\"/"/g' "$body")"
