# A thin face on meson and ninja; tools/set-up does the work and can be run without make.
# BUILD names the build folder, PREFIX and DESTDIR say where `make install` puts things.
BUILD ?= build
PREFIX ?= /usr/local
export BUILD PREFIX DESTDIR

.PHONY: all setup demo test test-long test-llm bench lint format clean install deb wheel whisper llama
all: setup
setup:; @tools/set-up setup
demo:; @tools/set-up demo
test:; @tools/set-up test
test-long:; @tools/set-up test-long
test-llm:; @tools/set-up test-llm
bench:; @tools/set-up bench
lint:; @tools/lint/all
format:; @tools/lint/format --write
install:; @tools/set-up install
deb:; @tools/set-up deb
wheel:; @tools/set-up wheel
whisper:; @tools/set-up whisper
llama:; @tools/set-up llama
clean:; rm -rf build build-*
