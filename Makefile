# All installed files are in .venv and .cache, in the folder of this file.

# Resolved here, before the bin folder of .venv becomes the first one on the PATH.
PYTHON := $(shell command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
# Ansible finds no roles below two folders ansible_collections, so a checkout inside such a folder is used without a link.
NAME := ansible_collections/apono/eks
PLACE := $(if $(findstring /ansible_collections/,$(CURDIR)),$(patsubst %/$(NAME),%,$(CURDIR)),$(CURDIR)/.collections)
LINK := $(if $(filter $(CURDIR)/.collections,$(PLACE)),.collections/$(NAME))
CORES := .cache/cores
JOBS ?= 2
PARALLEL := -n $(JOBS) --dist worksteal
SUDO := $(if $(filter 0,$(shell id -u)),,sudo )

ifeq ($(PLACE),$(CURDIR))
$(error This checkout is in a folder ansible_collections, but not in ansible_collections/apono/eks. Move it there, or out of that folder)
endif

export ANSIBLE_COLLECTIONS_PATH := $(PLACE)
export PYTHONPATH := $(PLACE):$(CURDIR)/tests
# molecule and ansible-lint search the PATH for the programs of Ansible.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export APONO_EKS_CORES := $(CURDIR)/$(CORES)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# pip would compile every file of every package. Python compiles those that it imports, which takes half of the time.
export PIP_COMPILE := 0
# With this variable, each process would compile the collection again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help try stop test units testbed-tests scenarios molecule kube lint sanity ansible-test-units docs build galaxy-check release cores debian-packages clean browser chromium bench bench-aws-auth awx-collection java tools permissions variables docs-sources types-baseline quick newcomer screenshots

help: ## Show this help
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 28

try: $(READY) ## Onboard a demo fleet on local services (with KEEP=1, they continue to run)
	@$(BIN)/python -m testbed.demo $(if $(KEEP),--keep)

stop: $(READY) ## Stop the services of "make try KEEP=1"
	@$(BIN)/python -m testbed.bed stop .cache/testbed.json

PARTS := units testbed-tests scenarios browser molecule

test: $(READY) ## Run all tests, and report those that did not run
	@$(BIN)/python tests/overview.py $(PARTS)

quick: $(READY) ## Test the logic on one ansible-core, in less than two minutes
	$(BIN)/python -m pytest $(PARALLEL) tests/unit tests/unit_extensions tests/structure

units: $(READY) cores ## Test the logic, also on the oldest and the newest ansible-core
	$(BIN)/python -m pytest $(PARALLEL) tests/unit tests/unit_extensions tests/structure
	ends=$$($(BIN)/python tests/cores.py ends) && for core in $$ends; do $(CORES)/$$core/bin/python -m pytest -c /dev/null --rootdir . --import-mode=importlib -q -p no:cacheprovider --hypothesis-profile=further_run $(PARALLEL) tests/unit || exit 1; done

testbed-tests: $(READY) tools ## Test the services of the test bed
	@$(BIN)/python tests/programs.py
	$(BIN)/python -m pytest $(PARALLEL) tests/unit_testbed

TESTS ?= tests/scenarios

scenarios: $(READY) cores awx-collection tools ## Run the real playbooks, also on the oldest and the newest ansible-core (TESTS=one file)
	@$(BIN)/python tests/programs.py
	$(BIN)/python -m pytest $(PARALLEL) $(TESTS)

# With this variable, the tests use the small API server even if the real one is built.
newcomer: export APONO_EKS_API_SERVER := small
newcomer: $(READY) tools awx-collection ## Follow the guides as on a machine without a real API server
	@$(BIN)/python tests/programs.py
	$(BIN)/python -m pytest $(PARALLEL) tests/scenarios/test_guides.py

browser: $(READY) ## Test the HTML report in a real browser ("make chromium" installs one)
	$(BIN)/python -m pytest -rs tests/browser

screenshots: $(READY) docs ## Take the screenshots of the documentation in a real browser
	PYTHONPATH=$(PYTHONPATH):tests/browser $(BIN)/python tests/browser/screenshots.py

molecule: $(READY) ## Run each role's molecule scenario
	cd extensions && molecule reset --all && python -m testbed.bed run molecule test --all

# A failed lint runs a second time. antsibull-docs works in a folder with a random name. If the name ends with an underscore
# (1 of 37), antsibull-docs treats it as a reference and fails.
LINT_DOCS := $(BIN)/antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=self --disallow-unknown-collection-refs .

lint: $(READY) ## Check style and documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tests/types_check.py
	$(BIN)/python tests/words_check.py
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/feature.yml
	$(BIN)/ansible-lint --profile production --strict --offline
	$(LINT_DOCS) || $(LINT_DOCS)
	$(BIN)/antsibull-changelog lint

types-baseline: $(READY) ## Remove corrected type errors from the baseline (fails if there are new ones)
	$(BIN)/python tests/types_check.py shrink

sanity: $(READY) ## Run the sanity tests of ansible-test
	$(BIN)/python tests/run_ansible_test.py .cache/ansible-test/sanity sanity --color no --local --requirements

# ansible-test creates a separate environment, because pytest-ansible in .venv would change the path of the collections.
ansible-test-units: $(READY) ## Run the unit tests with ansible-test
	$(BIN)/python tests/run_ansible_test.py .cache/ansible-test/units units --color no --requirements --venv --python "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"

kube: $(READY) ## Build Kubernetes and its tools for the tests (once per machine, up to 20 minutes)
	@$(BIN)/python tests/programs.py build

permissions: $(READY) ## Generate policies, manifests and tables from extensions/permissions/permissions.yml
	$(BIN)/python tests/permissions.py

variables: $(READY) ## Generate the reference of variables from the table of settings
	$(BIN)/python tests/variables.py

bench: $(READY) ## Measure the time and memory of a run (SIZES="10 50", FORKS=8, WHO="collection floor" for only these two)
	@$(BIN)/python -m benchmark $(if $(SIZES),--sizes $(SIZES)) $(if $(FORKS),--forks $(FORKS)) $(if $(WHO),--who $(WHO))

bench-aws-auth: $(READY) ## Measure the time of one edit of aws-auth, by the size of its text
	@$(BIN)/python -m benchmark.aws_auth

# antsibull-docs copies the guides without their images. The home page and the reference lists of docs/site replace its index.
docs: $(VENV)/docs-ready docs-sources ## Build the documentation site, .cache/docs/html/index.html
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --conf-dir docs/site .cache/docs/rst .cache/docs/html

docs-sources: $(READY) | $(LINK)
	rm -rf .cache/docs && mkdir -p -m 755 .cache/docs/rst
	$(BIN)/antsibull-docs collection --use-current --squash-hierarchy --fail-on-error --dest-dir .cache/docs/rst apono.eks
	cp -R docs/docsite/rst/images .cache/docs/rst/docsite/images
	cp docs/site/pages/*.rst .cache/docs/rst/
	@for role in roles/*; do test -f ".cache/docs/rst/$${role#roles/}_role.rst" || { echo "The documentation site has no page for $$role."; exit 1; }; done

$(VENV)/docs-ready: docs/site/requirements.txt $(READY)
	$(BIN)/pip install --quiet -r $<
	@touch $@

# These paths exclude the checkout, so that only the installed archive is used.
INSTALLED := PYTHONPATH= ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/.cache/build

build: $(READY) ## Build the collection and install it from the archive
	rm -rf .cache/build && mkdir -p .cache/build
	$(BIN)/ansible-galaxy collection build --force --output-path .cache/build
	@test "$$(stat -c %s .cache/build/apono-eks-*.tar.gz)" -lt 1048576 || { echo "The archive is larger than 1 MiB."; exit 1; }
	$(INSTALLED) $(BIN)/ansible-galaxy collection install --offline -p .cache/build .cache/build/apono-eks-*.tar.gz
	test -f .cache/build/ansible_collections/apono/eks/MANIFEST.json
	$(INSTALLED) $(BIN)/ansible-doc --type module --list apono.eks
	$(INSTALLED) $(BIN)/ansible-playbook --syntax-check apono.eks.onboard apono.eks.verify apono.eks.offboard apono.eks.adopt apono.eks.audit apono.eks.migrate_to_access_entries apono.eks.user_login

# A separate environment, because galaxy-importer chooses its own versions of ansible-core and ansible-lint.
IMPORTER := .cache/galaxy-importer

galaxy-check: build $(IMPORTER)/ready ## Check the built archive as Ansible Galaxy does at the upload
	cd .cache/build && PATH="$(CURDIR)/$(IMPORTER)/bin:$$PATH" PYTHONPATH= ANSIBLE_COLLECTIONS_PATH= python -m galaxy_importer.main apono-eks-*.tar.gz

$(IMPORTER)/ready: | $(READY)
	$(PYTHON) -m venv --clear $(IMPORTER)
	$(IMPORTER)/bin/pip install --quiet galaxy-importer
	@touch $@

release: $(READY) ## Set the version, write the release notes, commit and tag them (VERSION=1.2.3)
	@echo "$(VERSION)" | grep -Eqx '[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?' || { echo "Set the version: make release VERSION=1.2.3"; exit 1; }
	@test -z "$$(git status --porcelain)" || { echo "The checkout has uncommitted changes. Commit them first."; exit 1; }
	@! git rev-parse --quiet --verify "refs/tags/$(VERSION)" > /dev/null || { echo "The tag $(VERSION) already exists. Set another version."; exit 1; }
	sed -i 's/^version: .*/version: $(VERSION)/' galaxy.yml
	$(BIN)/antsibull-changelog release
	git add galaxy.yml CHANGELOG.rst changelogs
	git commit --quiet --message "Release $(VERSION)"
	git tag --annotate --message "apono.eks $(VERSION)" "$(VERSION)"
	@echo "Check the commit, then push it with its tag. \"make galaxy-check\" builds the archive to publish."

cores: $(READY) ## Install the releases of ansible-core for the tests, with the oldest and the newest libraries
	@$(BIN)/python tests/cores.py install $(CORES)

awx-collection: $(READY) ## Install the collection that configures AWX, for the scenarios
	@$(BIN)/python tests/awx_collection.py .cache/collections

java: ## Install the Debian package of the Java that ansible-rulebook needs
	command -v java || { $(SUDO)apt-get update && $(SUDO)apt-get install --yes --no-install-recommends openjdk-17-jre-headless; }

tools: $(READY) ## Install the AWS CLI, kubectl, Helm and collections for the scenarios
	@$(BIN)/python tests/tools.py install

debian-packages: ## Install the Debian packages that Python needs to create virtual environments
	$(SUDO)apt-get update
	$(SUDO)apt-get install --yes --no-install-recommends python3-venv python3-pip git

chromium: ## Install the Debian packages of the browser for the tests
	@command -v chromium chromedriver > /dev/null || { $(SUDO)apt-get update && \
	  $(SUDO)apt-get install --yes --no-install-recommends chromium chromium-driver; }

clean: ## Remove all installed and generated files
	rm -rf $(VENV) .cache .collections .hypothesis .pytest_cache .ruff_cache

ifneq ($(LINK),)
$(LINK):
	@mkdir -p $(@D) && ln -sfn ../../.. $@
endif

$(READY): tests/requirements.txt requirements.txt tests/cores.py | $(LINK)
	@command -v "$(PYTHON)" > /dev/null || { echo "Python ($(PYTHON)) was not found. Install Python 3.11 or newer, or set its path: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is required. Set its path: make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { ! command -v apt-get > /dev/null || $(MAKE) debian-packages; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "$(PYTHON) cannot create virtual environments. Install the packages of your system for ensurepip and venv." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet "$$($(BIN)/python tests/cores.py requirement)" -r tests/requirements.txt
	@touch $@
