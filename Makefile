# The commands of the project. `make run` and `make test` need nothing but Debian 12 and root or sudo.
JOBS ?= $(shell nproc)
PORT ?= 8080
ARGS ?=

.PHONY: run build web test test-native test-clients test-asan test-tsan test-fuzz test-web test-e2e bench bench-compare format lint clean deps

run: build
	@echo "Zvonok will answer at http://localhost:$(PORT)/"
	SERVER_PORT=$(PORT) ./build/zvonok serve $(ARGS)

build: build/zvonok web

.PHONY: build/zvonok
build/zvonok:
	scripts/deps.sh build
	cmake --preset release -DZVONOK_TESTS=OFF -DZVONOK_BENCH=OFF
	cmake --build build -j$(JOBS) --target zvonok socketio_echo

web:
	scripts/deps.sh build
	scripts/build_web.sh

test:
	scripts/deps.sh test
	scripts/test.sh

# Parts of `make test`, for a quick look.
test-native test-clients test-asan test-tsan test-fuzz test-web test-e2e:
	scripts/deps.sh test
	scripts/test.sh $(patsubst test-%,%,$@)

bench:
	scripts/deps.sh test
	scripts/bench.sh

# The same rooms in our server, Janus, mediasoup and a Pion SFU (bench/rooms/README.md): about half an hour.
bench-compare:
	scripts/deps.sh bench
	[ -n "$$ZVONOK_BINARY" ] || $(MAKE) build/zvonok
	bench/rooms/run.sh

format:
	scripts/deps.sh lint
	git ls-files -z 'src/*.h' 'src/*.cpp' 'tests/*.h' 'tests/*.cpp' 'bench/*.h' 'bench/*.cpp' | xargs -0 clang-format-19 -i

lint:
	scripts/deps.sh lint
	scripts/lint.sh

deps:
	scripts/deps.sh lint

clean:
	rm -rf build
