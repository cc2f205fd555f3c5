# make demo: the main job on a made-up shop; needs Go alone.
# make check: everything that needs no server (it runs git, bash, zsh and fish). make test: installs what it needs (Debian, as root or with sudo), then everything.
GO ?= go
export CGO_ENABLED = 0
PACKAGES = ./cmd/... ./snapshot/... ./compare/... ./sanitize/... ./migrations/... ./ci/... ./internal/...

.PHONY: soak fuzz classifier blowups build demo check test deps bench golden docs cross packages lint clean

build:
	$(GO) build -trimpath -o bin/envdiff ./cmd/envdiff

demo: build
	@bin/envdiff demo

# The packages that need no server, and the scripts. The race detector needs cgo and a C compiler.
check:
	CGO_ENABLED=1 $(GO) test -race -skip '^TestSSH|$(WHOLE)' $$($(GO) list $(PACKAGES) | grep -v -e /engine/postgres -e /onpostgres -e /onssh -e /onsystems -e /oncollectd -e /onchromium -e /testservers -e /engine/mysql -e /onmariadb -e /blowups -e /onmysql8 -e /onengines -e /snapshot/replication -e /snapshot/hotquery)
	$(GO) test -timeout 20m -run '$(WHOLE)' ./cmd

test: deps
	CGO_ENABLED=1 $(GO) test -race $(BESIDE) -skip '$(WHOLE)' $(LONGEST) $(PACKAGES)
	$(GO) test $(BESIDE) -run '$(WHOLE)' ./cmd/blowups ./cmd/onpostgres ./cmd ./cmd/onengines ./cmd/onmariadb

# Stories on servers also wait, for hosts that do not answer and for replicas, so three packages run where there are two cores; those that take
# longest begin first, lest a core waits for the last of them. lint vets.
BESIDE = -p $$(($$(getconf _NPROCESSORS_ONLN) * 3 / 2)) -timeout 20m -vet=off
LONGEST = ./cmd/onpostgres ./internal/engine/postgres ./cmd/onssh ./cmd/onsystems ./compare/onpostgres ./migrations/onpostgres ./compare/onengines ./cmd/onengines

# Whole runs of the program on 200,000 rows, fifty that are killed, an estate that breaks, and every migration of the corpus: the race detector
# makes minutes of them and learns nothing that the stories on servers, which run the same commands in its sight, do not tell.
WHOLE = ^(TestScripts|TestRefreshIsKilled|TestReadmeShowsTheDemo|TestSoak|TestBlowups)$$

# Real servers for the tests that talk to them, gcc for the race detector.
deps:
	@.ci/deps

bench: build
	$(GO) test -run '^$$' -bench . -benchmem ./compare/... ./snapshot/... ./sanitize/... ./internal/engine/sqlite/... ./cmd ./cmd/onssh/... ./cmd/blowups/...

# Every fuzz target of the module for FUZZTIME (default 10s), one after the other.
fuzz:
	@GO="$(GO)" .ci/fuzz

# How many of the migrations that fail on one odd row among many the rehearsal finds, per class, and what it says of the harmless ones.
blowups: deps
	$(GO) test ./cmd/blowups -run TestBlowups -everything -v | grep -v -e '^=== ' -e '--- PASS' -e '^ok'

# A thousand hosts and twenty databases, captured and compared twenty times while they, the disk and the clock break: minutes.
soak: deps
	$(GO) test ./cmd/onengines -run '^TestSoak$$' -soak -v -timeout 30m | grep -v '^=== '

# Precision and recall of the scan's classifier, per class: on the labelled columns of sanitize/testdata/columns.txt, and on columns_heldout.txt, which
# it was not tuned on.
classifier:
	$(GO) test ./sanitize -run TestTheClassifier -v

# Rewrites golden files and generated docs; look at the difference before you commit it.
golden:
	$(GO) test ./ci/... ./cmd/... ./compare/... ./snapshot/... -update

cross:
	@for p in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64; do \
	  echo "building for $$p"; \
	  GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -trimpath -o dist/envdiff-$${p%/*}-$${p#*/} ./cmd/envdiff || exit 1; \
	done

# deb and rpm packages of the machine's architecture, from what cross built.
packages: build cross
	@mkdir -p dist/completion
	@bin/envdiff completion man dist/man
	@for s in bash zsh fish; do bin/envdiff completion $$s >dist/completion/$$s || exit 1; done
	@for p in deb rpm; do \
	  VERSION=$$(git describe --tags 2>/dev/null || echo 0.0.0) ARCH=$$($(GO) env GOARCH) GOFLAGS=-mod=mod $(GO) run github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM) package -f ci/package/nfpm.yaml -p $$p -t dist/ || exit 1; \
	done
	@.ci/packages
NFPM = v2.41.1

lint:
	$(GO) vet ./...
	$(GO) run honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK) ./...
STATICCHECK = v0.8.2

clean:
	rm -rf bin dist
