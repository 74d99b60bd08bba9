# The two commands of the README are "make run" (or go run ./cmd/grantd dev) and "make test".

.PHONY: run test tools lint bench growth figures profiles fuzz hostile soak screenshots build reproducible sbom vulncheck

run:
	go run ./cmd/grantd dev

# All tests, with the race detector where there is a C compiler. What a request allocates is counted
# without it, as it allocates by itself, and so are ten thousand connections, of which it bears fewer.
test: tools lint
	@$(MAKE) -s build OUT=/dev/null # compiled here, once, and not in the time of the tests that compare builds
	go test $(RACE) -count=1 -timeout 25m ./...
	go test -count=1 -run 'Allocations|IdleConnections' ./...
	go -C $(PEERS) test $(RACE) -count=1 ./...
	go -C $(FIGURES) test -count=1 ./...
	go -C $(SBOM) test -count=1 ./...

# What scopes is compared with: a module of its own, which ./... leaves out.
PEERS := scopes/testdata/peers

RACE := $(shell command -v cc >/dev/null 2>&1 && echo -race)

# The tests need curl, because they paste what the documents show into a shell, PostgreSQL, PgBouncer,
# HAProxy, Node.js 20 with npm and Python with venv for the services of docs/resource-services.md and for clients of
# other people (cmd/grantd/testdata/clients), a JDK with Maven for one on the JVM, and Chromium with a font for the walks
# of people (cmd/grantd/testdata/browser). They are installed where that is allowed. In CI there is a C compiler, too.
tools:
	@.ci/tools
	@[ "$(CI)" != true ] || command -v cc >/dev/null || { echo "CI needs a C compiler for the race detector" >&2; exit 1; }

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

lint:
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt would change: $$unformatted"; exit 1; }
	go mod verify
	go vet ./...
	go run $(STATICCHECK) ./...
	go -C $(PEERS) vet ./...
	cd $(PEERS) && go run $(STATICCHECK) ./...
	go -C $(FIGURES) vet ./...
	cd $(FIGURES) && go run $(STATICCHECK) ./...
	go -C $(SBOM) vet ./...
	cd $(SBOM) && go run $(STATICCHECK) ./...

# The benchmarks whose names match BENCH, COUNT times each, as benchstat reads them:
#   make -s bench BENCH='ReadForm|Mint' COUNT=10 > new.txt; benchstat old.txt new.txt
# (go install golang.org/x/perf/cmd/benchstat@latest.) SCALE is the part of a million logins, and of ten million
# refreshes, that is made: docs/benchmarks.md.
BENCH ?= .
COUNT ?= 1
SCALE ?= 0.001
bench: tools
	GRANTD_SCALE=$(SCALE) go test -run '^$$' -bench '$(BENCH)' -count $(COUNT) -benchmem -timeout 0 ./...
	go -C $(PEERS) test -run '^$$' -bench '$(BENCH)' -count $(COUNT) -benchmem ./...

# How cost grows, as docs/benchmarks.md shows it: "grantd bench" for each point that docs/figures/growth.json lacks, and the
# pictures of them. POINTS picks some, such as 'sqlite/(tls|clients)'; AGAIN=1 measures them anew. Each operation is measured
# GROWTH_RUNS times for GROWTH_FOR, those of the base for twice as long. It takes 25 minutes, half of them to fill databases
# with ten million authorizations; the machine should do nothing else meanwhile.
POINTS ?= .
GROWTH_FOR ?= 1500ms
GROWTH_RUNS ?= 3
growth: tools build
	GRANTD_SERIES=$(CURDIR)/docs/figures/growth.json GRANTD_SERIES_FOR=$(GROWTH_FOR) GRANTD_SERIES_RUNS=$(GROWTH_RUNS) GRANTD_SERIES_AGAIN=$(AGAIN) \
		GRANTD_BINARY=$(CURDIR)/grantd go test -run '^$$' -bench 'Series/$(POINTS)' -benchtime 1x -timeout 2h -v ./cmd/grantd
	$(MAKE) figures

# What draws the pictures of docs/figures: a module of its own, too.
FIGURES := cmd/grantd/testdata/figures
figures:
	go -C $(FIGURES) run . growth $(CURDIR)/docs/figures/growth.json $(CURDIR)/docs/figures

# Flame graphs of each operation, from profiles of PROFILE_FOR.
PROFILE_FOR ?= 5s
PROFILES ?= $(CURDIR)/dist/profiles
profiles: tools build
	GRANTD_PROFILES=$(PROFILES) GRANTD_SERIES_FOR=$(PROFILE_FOR) GRANTD_BINARY=$(CURDIR)/grantd \
		go test -run '^$$' -bench Profiles -benchtime 1x -timeout 30m -v ./cmd/grantd
	go -C $(FIGURES) run . profiles $(PROFILES) $(CURDIR)/docs/figures

# Every fuzz target for FUZZTIME each.
FUZZTIME ?= 60s
fuzz:
	@for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

# Three replicas under load while parts fail: every kind of fault for SOAKTIME.
# "make test" has the short form.
SOAKTIME ?= 10m
soak: tools
	GRANTD_SOAK=$(SOAKTIME) go test $(RACE) -count=1 -timeout 0 -v -run 'Soak' ./cmd/grantd

# Requests that are made up, from openapi.json and from right ones, for HOSTILETIME each. "make test" has the short form.
HOSTILETIME ?= 10m
hostile: tools
	GRANTD_HOSTILE=$(HOSTILETIME) go test -count=1 -timeout 0 -v -run 'TestGeneratedRequests|TestMutatedRequests' ./cmd/grantd

# The pictures of the documents, made by the walk that looks at every page.
screenshots: tools
	GRANTD_SCREENSHOTS=$(CURDIR)/docs/screenshots go test -count=1 -run 'TestBrowser/pages' ./cmd/grantd

# A static binary. The same commit and the same Go give the same bytes, in whatever folder and whatever is in the cache: nothing of
# the machine goes in. The commit is stamped by the linker, because the go command's own stamp differs with the tags that a
# clone has, and needs the history, which the build of an image has not: there COMMIT tells it.
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null)$(shell git status --porcelain 2>/dev/null | grep -q . && echo -dirty)
OUT ?= grantd
build:
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w -X main.commit=$(COMMIT)' -o $(OUT) ./cmd/grantd

# Builds twice, in two folders with an empty cache each, and compares. "make test" has the short form, with one cache.
reproducible:
	GRANTD_EMPTY_CACHES=1 go test -count=1 -timeout 30m -v -run TestBuildIsReproducible ./docs

# What the binary is made of, for scanners (CycloneDX), and the licences that go with it: dist/grantd.cdx.json and
# dist/THIRD-PARTY.txt. The same binary gives the same bytes. What makes them is a module of its own, too.
SBOM := cmd/grantd/testdata/sbom
DIST ?= $(CURDIR)/dist
sbom: build
	go -C $(SBOM) run . $(abspath $(OUT)) $(CURDIR) $(DIST)

# Asks Go's database which known weaknesses our code reaches, and fails if there are any. It wants the network, so it is no part of "make test";
# GOVULNDB takes a copy of the database (file:///path), CHECKED picks packages.
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
GOVULNDB ?= https://vuln.go.dev
CHECKED ?= ./...
vulncheck:
	@curl -fsS --max-time 30 -o /dev/null $(GOVULNDB)/index/db.json || \
		{ echo "nothing was checked: the database of weaknesses, $(GOVULNDB), cannot be read" >&2; exit 1; }
	go run $(GOVULNCHECK) -db $(GOVULNDB) $(CHECKED)
