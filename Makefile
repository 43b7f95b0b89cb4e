# Everything that is installed goes into .venv and .cache, beside this file.

# Found before the environment's own folder comes first in the path.
PYTHON := $(shell command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
# Ansible finds no roles below a second folder ansible_collections: a checkout that lies in one is used where it is.
NAME := ansible_collections/apono/eks
PLACE := $(if $(findstring /ansible_collections/,$(CURDIR)),$(patsubst %/$(NAME),%,$(CURDIR)),$(CURDIR)/.collections)
LINK := $(if $(filter $(CURDIR)/.collections,$(PLACE)),.collections/$(NAME))
CORES := .cache/cores
JOBS ?= 2
SUDO := $(if $(filter 0,$(shell id -u)),,sudo )

ifeq ($(PLACE),$(CURDIR))
$(error This checkout lies in a folder ansible_collections, but not in ansible_collections/apono/eks: move it there, or out)
endif

export ANSIBLE_COLLECTIONS_PATH := $(PLACE)
export PYTHONPATH := $(PLACE):$(CURDIR)/tests
# molecule and ansible-lint look for the tools of Ansible in the path.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export APONO_EKS_CORES := $(CURDIR)/$(CORES)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help try stop test units testbed-tests scenarios molecule kube lint sanity ansible-test-units docs build galaxy-check release cores debian-packages clean browser chromium bench bench-aws-auth awx-collection java tools permissions variables docs-sources types-baseline quick newcomer screenshots

help: ## Show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 28

try: $(READY) ## Onboard a demo fleet on services of its own (KEEP=1 leaves them up)
	@$(BIN)/python -m testbed.demo $(if $(KEEP),--keep)

stop: $(READY) ## Stop the services that "make try KEEP=1" left up
	@$(BIN)/python -m testbed.bed stop .cache/testbed.json

PARTS := units testbed-tests scenarios browser molecule

test: $(READY) ## Run all tests, and say what ran and what did not
	@$(BIN)/python tests/overview.py $(PARTS)

quick: $(READY) ## Test the logic on the ansible-core of the tests alone, in less than two minutes
	$(BIN)/python -m pytest -n $(JOBS) tests/unit tests/unit_extensions tests/structure

units: $(READY) cores ## Test the logic, on the oldest and the newest ansible-core too
	$(BIN)/python -m pytest -n $(JOBS) tests/unit tests/unit_extensions tests/structure
	ends=$$($(BIN)/python tests/cores.py ends) && for core in $$ends; do $(CORES)/$$core/bin/python -m pytest -c /dev/null --rootdir . --import-mode=importlib -q -p no:cacheprovider --hypothesis-profile=other_core -n $(JOBS) tests/unit || exit 1; done

testbed-tests: $(READY) tools ## Test the services that the tests stand on
	@$(BIN)/python tests/programs.py
	$(BIN)/python -m pytest -n $(JOBS) tests/unit_testbed

TESTS ?= tests/scenarios

scenarios: $(READY) cores awx-collection tools ## Run the real playbooks, on the oldest and the newest ansible-core (TESTS=one file)
	@$(BIN)/python tests/programs.py
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(TESTS)

# Where the real server is built, its absence has to be asked for.
newcomer: export APONO_EKS_API_SERVER := small
newcomer: $(READY) tools awx-collection ## Run what touches Kubernetes as on a machine without a real API server
	@$(BIN)/python tests/programs.py
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal tests/unit_testbed/test_kubernetes.py tests/unit_testbed/test_kubectl.py tests/scenarios/test_guides.py

browser: $(READY) ## Open the page of a report in a real browser ("make chromium" gets one)
	$(BIN)/python -m pytest -rs tests/browser

screenshots: $(READY) docs ## Take the screenshots of the documentation in a real browser
	PYTHONPATH=$(PYTHONPATH):tests/browser $(BIN)/python tests/browser/screenshots.py

molecule: $(READY) ## Run each role's molecule scenario
	cd extensions && molecule reset --all && python -m testbed.bed run molecule test --all

# Twice: it works in a folder with a random name, and one that ends in an underscore, 1 in 37, it takes for a reference.
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

types-baseline: $(READY) ## Write down that errors of types were mended; more than there were are refused
	$(BIN)/python tests/types_check.py shrink

sanity: $(READY) ## Run ansible-test's own checks
	$(BIN)/python tests/run_ansible_test.py .cache/ansible-test sanity --color no --local --requirements

# An environment of its own: pytest-ansible, which this one has, would move the collections' path.
ansible-test-units: $(READY) ## Run the unit tests as ansible-test does
	$(BIN)/python tests/run_ansible_test.py .cache/ansible-test units --color no --requirements --venv --python "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"

kube: $(READY) ## Build the real Kubernetes and what belongs to it, for the tests (once per machine, about 15 minutes)
	@$(BIN)/python tests/programs.py build

permissions: $(READY) ## Make policies, manifests and tables of extensions/permissions/permissions.yml
	$(BIN)/python tests/permissions.py

variables: $(READY) ## Make the reference of variables of the table of settings
	$(BIN)/python tests/variables.py

bench: $(READY) ## Measure what a run costs (SIZES="10 50", FORKS=8, WHO="collection floor" without the rest)
	@$(BIN)/python -m benchmark $(if $(SIZES),--sizes $(SIZES)) $(if $(FORKS),--forks $(FORKS)) $(if $(WHO),--who $(WHO))

bench-aws-auth: $(READY) ## Measure what one edit of aws-auth costs, by the size of its text
	@$(BIN)/python -m benchmark.aws_auth

# antsibull-docs takes the text of the guides and leaves their images. The home page and the lists of the reference replace its index.
docs: $(VENV)/docs-ready docs-sources ## Build the site of guides and reference, .cache/docs/html/index.html
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --conf-dir docs/site .cache/docs/rst .cache/docs/html

docs-sources: $(READY) | $(LINK)
	rm -rf .cache/docs && mkdir -p -m 755 .cache/docs/rst
	$(BIN)/antsibull-docs collection --use-current --squash-hierarchy --fail-on-error --dest-dir .cache/docs/rst apono.eks
	cp -R docs/docsite/rst/images .cache/docs/rst/docsite/images
	cp docs/site/pages/*.rst .cache/docs/rst/
	@for role in roles/*; do test -f ".cache/docs/rst/$${role#roles/}_role.rst" || { echo "The site has no page of $$role."; exit 1; }; done

$(VENV)/docs-ready: docs/site/requirements.txt $(READY)
	$(BIN)/pip install --quiet -r $<
	@touch $@

# Nothing of the checkout, which is on both paths otherwise.
INSTALLED := PYTHONPATH= ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/.cache/build

build: $(READY) ## Build the collection and install it from the archive
	rm -rf .cache/build && mkdir -p .cache/build
	$(BIN)/ansible-galaxy collection build --force --output-path .cache/build
	@test "$$(stat -c %s .cache/build/apono-eks-*.tar.gz)" -lt 1048576 || { echo "The archive is larger than 1 MiB."; exit 1; }
	$(INSTALLED) $(BIN)/ansible-galaxy collection install --offline -p .cache/build .cache/build/apono-eks-*.tar.gz
	test -f .cache/build/ansible_collections/apono/eks/MANIFEST.json
	$(INSTALLED) $(BIN)/ansible-doc --type module --list apono.eks
	$(INSTALLED) $(BIN)/ansible-playbook --syntax-check apono.eks.onboard apono.eks.verify apono.eks.offboard apono.eks.adopt apono.eks.audit apono.eks.migrate_to_access_entries apono.eks.user_login

# Its own environment: it decides itself which ansible-core and ansible-lint it takes.
IMPORTER := .cache/galaxy-importer

galaxy-check: build $(IMPORTER)/ready ## Check the built archive as Ansible Galaxy does when it is published
	cd .cache/build && PATH="$(CURDIR)/$(IMPORTER)/bin:$$PATH" PYTHONPATH= ANSIBLE_COLLECTIONS_PATH= python -m galaxy_importer.main apono-eks-*.tar.gz

$(IMPORTER)/ready: | $(READY)
	$(PYTHON) -m venv --clear $(IMPORTER)
	$(IMPORTER)/bin/pip install --quiet galaxy-importer
	@touch $@

release: $(READY) ## Set the version, write the release notes, commit and tag them (VERSION=1.2.3)
	@echo "$(VERSION)" | grep -Eqx '[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?' || { echo "Name the version: make release VERSION=1.2.3"; exit 1; }
	@test -z "$$(git status --porcelain)" || { echo "There are changes that are not committed: commit them first."; exit 1; }
	@! git rev-parse --quiet --verify "refs/tags/$(VERSION)" > /dev/null || { echo "The tag $(VERSION) is there already."; exit 1; }
	sed -i 's/^version: .*/version: $(VERSION)/' galaxy.yml
	$(BIN)/antsibull-changelog release
	git add galaxy.yml CHANGELOG.rst changelogs
	git commit --quiet --message "Release $(VERSION)"
	git tag --annotate --message "apono.eks $(VERSION)" "$(VERSION)"
	@echo "Look at it, then push it with its tag; the archive to publish is made by \"make galaxy-check\"."

cores: $(READY) ## Install the ansible-cores that the scenarios run on, with the oldest and the newest libraries
	@$(BIN)/python tests/cores.py install $(CORES)

awx-collection: $(READY) ## Install the collection that configures AWX, for the scenarios
	@$(BIN)/python tests/awx_collection.py .cache/collections

java: ## Install the Debian package of the Java that ansible-rulebook needs
	command -v java || { $(SUDO)apt-get update && $(SUDO)apt-get install --yes --no-install-recommends openjdk-17-jre-headless; }

tools: $(READY) ## Install what people use beside the collection, for the scenarios
	@$(BIN)/python tests/tools.py install

debian-packages: ## Install the Debian packages that a Python needs to make virtual environments
	$(SUDO)apt-get update
	$(SUDO)apt-get install --yes --no-install-recommends python3-venv python3-pip git

chromium: ## Install the Debian packages of the browser that the tests open a report in
	@command -v chromium chromedriver > /dev/null || { $(SUDO)apt-get update && \
	  $(SUDO)apt-get install --yes --no-install-recommends chromium chromium-driver; }

clean: ## Remove everything that was installed or made
	rm -rf $(VENV) .cache .collections .hypothesis .pytest_cache .ruff_cache

ifneq ($(LINK),)
$(LINK):
	@mkdir -p $(@D) && ln -sfn ../../.. $@
endif

$(READY): tests/requirements.txt requirements.txt tests/cores.py | $(LINK)
	@command -v "$(PYTHON)" > /dev/null || { echo "There is no Python here ($(PYTHON)). Install 3.11 or newer, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it: make PYTHON=python3.11")'
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { ! command -v apt-get > /dev/null || $(MAKE) debian-packages; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "$(PYTHON) makes no virtual environments: install what your system has for that (ensurepip, venv)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet "$$($(BIN)/python tests/cores.py requirement)" -r tests/requirements.txt
	@touch $@
