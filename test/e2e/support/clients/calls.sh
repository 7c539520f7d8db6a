# Calls an origin by curl, and prints what it answered: sh calls.sh URL
set -e
for path in next next; do curl --silent --show-error --write-out '%{http_code}\n' "$1/$path"; done
curl --silent --show-error --write-out '%{http_code}\n' --data hello "$1/echo"
