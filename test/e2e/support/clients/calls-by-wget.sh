# Calls an origin by wget, and prints what it answered: sh calls-by-wget.sh URL
set -e
# Debian's is built with GnuTLS, which reads no SSL_CERT_FILE.
get() { wget --quiet --output-document=- --ca-certificate="$SSL_CERT_FILE" "$@"; echo; }
for path in next next; do get "$1/$path"; done
get --post-data=hello "$1/echo"
