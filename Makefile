# `make` lists the targets. What needs more than a line or two is a script in
# .ci/.

# The product is built without cgo, and a dependency (zstd, under Pebble) has
# other code with it. So tests, too, run what is shipped; race is the exception.
export CGO_ENABLED = 0

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
TOOL    := go tool -modfile=tools/go.mod

.DEFAULT_GOAL := help
.PHONY: help build demo docs test race lint fuzz bench soak cover audit fmt clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' Makefile | expand -t 12

build: ## build bin/waybill, a static binary
	go build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)' -o bin/waybill ./cmd/waybill

demo: build ## run a server with made-up data on 127.0.0.1:8080
	bin/waybill demo --listen 127.0.0.1:8080 --data .demo

docs: ## write the documentation as static HTML into site/
	go -C tools run ./site .. ../site

# SQLite, which the store is compared with, needs cgo: on where a C compiler is.
# The pages lie outside of the module tools, so go does not see them change.
test: ## run all tests, those with the vendors' SDKs last
	go test -timeout 20m ./...
	go -C tools test -count=1 ./site
	env -u CGO_ENABLED go -C bench test ./...
	.ci/compat

race: ## run the short tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race -short -timeout 20m ./...

lint: ## run go vet, the linters and the format check
	go vet ./...
	$(TOOL) golangci-lint run ./...
	cd bench && go tool -modfile=../tools/go.mod golangci-lint run ./...

fuzz: ## fuzz every target for FUZZTIME each (30s)
	.ci/fuzz

# SQLite, which the store is compared with, needs a C compiler.
bench: ## run all benchmarks, then compare the store with others on MESSAGES (1000000)
	go test -run '^$$' -bench . -benchmem ./...
	CGO_ENABLED=1 go -C bench run . -messages $(or $(MESSAGES),1000000)

soak: ## run the long store test with SOAK events (10000000)
	go test -count=1 -v -timeout 60m -run '^TestSoak$$' ./internal/store/pebble/ -soak $(or $(SOAK),10000000)

cover: ## write coverage.out and show the total
	go test -timeout 20m -coverpkg=./... -coverprofile=coverage.out ./...
	go tool cover -func=coverage.out | tail -n 1

# Not part of .ci/run: it reads the vulnerability database from the network.
audit: ## look for known vulnerabilities in the dependencies
	$(TOOL) govulncheck ./...

fmt: ## format the Go code
	$(TOOL) gofumpt -w .

clean: ## remove what the other targets wrote
	rm -rf bin site .demo coverage.out
