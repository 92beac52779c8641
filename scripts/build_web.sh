#!/usr/bin/env bash
# Builds the web app (and with it the TypeScript SDK) into build/web, where the server looks for it.
# Does nothing when no source has changed since the last time.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=build/web/.built-from
sources() {
  find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -print0 | sort -z | xargs -0 sha256sum | sha256sum
}
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(sources)" ]; then exit 0; fi

install() { (cd "$1" && npm ci --no-audit --no-fund --loglevel=error); }
install web/client
install web/app
(cd web/app && npm run --silent build)

# A running server reads the folder again on SIGHUP, so it is put in place whole.
mkdir -p build
rm -rf build/web.new
cp -r web/app/dist build/web.new
sources > build/web.new/.built-from
rm -rf build/web
mv build/web.new build/web
echo "The web app is in build/web"
