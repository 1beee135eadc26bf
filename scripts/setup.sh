#!/usr/bin/env bash
# Prepares this checkout: system libraries, the virtual environment .venv/, Newt in it.
#
#   bash scripts/setup.sh [STAMP]     STAMP: a file to create once everything is in place
#
# It may be run any number of times: it installs only what is missing, says what and why, and
# needs root only for a missing system library. Those are not essential (tasks on plain states
# run without them), so where they cannot be installed it says so and goes on.
# PYTHON names the interpreter to use; NEWT_SKIP_SYSTEM=1 leaves the system alone.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin # ldconfig

PYTHON_RANGE='3.11 or 3.12'
# SAPIEN needs VK_KHR_external_semaphore_fd, which Mesa's software driver has from here on.
MESA_WITH_SEMAPHORES=24.3
TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu

say() { printf 'setup: %s\n' "$*"; }
fail() {
  say "$*" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# --- system packages ----------------------------------------------------------------------

# Not grep -q: it would leave before ldconfig is done, which pipefail takes for a failure.
has_library() { ldconfig -p 2>/dev/null | grep "$1" >/dev/null; }

# Runs a command as root. sudo may ask a person for a password, but not a pipe.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif has sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    sudo "$@"
  else
    return 1
  fi
}

can_install() { has apt-get && as_root true; }

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@"; }

apt_lists_are_fresh=
refresh_apt() {
  [ -n "$apt_lists_are_fresh" ] || apt update >/dev/null || return 1
  apt_lists_are_fresh=yes
}

# install WHY PACKAGE... [-t SUITE]: fails, quietly, where it cannot.
install() {
  local why=$1
  shift
  can_install && refresh_apt || return 1
  say "$why: installing $*"
  apt install -y --no-install-recommends "$@" >/dev/null
}

install_rendering() {
  local missing=()
  has_library 'libEGL\.so\.1' || missing+=(libegl1)
  has_library 'libGL\.so\.1' || missing+=(libgl1)
  has_library 'libGLESv2\.so\.2' || missing+=(libgles2)
  has_library 'libEGL_\(mesa\|nvidia\)\.so\.0' || missing+=(libegl-mesa0)
  [ ${#missing[@]} = 0 ] || install 'frames and videos (MuJoCo draws through EGL)' "${missing[@]}" ||
    say "going on without frames and videos; they need, as root: apt-get install ${missing[*]}"
}

has_gpu_vulkan() {
  [ -e /dev/nvidiactl ] && cat /usr/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json 2>/dev/null |
    grep -i nvidia >/dev/null
}

# is_new_enough VERSION: a Debian version of Mesa that SAPIEN can use.
is_new_enough() { [ -n "$1" ] && dpkg --compare-versions "$1" ge "$MESA_WITH_SEMAPHORES" 2>/dev/null; }

installed_version() { dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true; }
candidate_version() { apt-cache policy "$1" 2>/dev/null | awk '/Candidate:/ { print $2 }'; }

# Adds Debian's backports suite beside the release that this machine's apt already uses: same
# server, suite name with "-backports". Prints nothing and fails where that is not a Debian.
add_backports() {
  local codename source keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  codename=$(. /etc/os-release && [ "${ID:-}" = debian ] && echo "${VERSION_CODENAME:-}") || return 1
  [ -n "$codename" ] || return 1
  source=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
    "Codename: $codename" 'Component: main' 'Origin: Debian' | sort -u | head -n 1)
  [ -n "$source" ] || return 1
  if [ -z "$(apt-get indextargets --format x "Codename: $codename-backports")" ]; then
    say "ManiSkill: adding $codename-backports to apt (/etc/apt/sources.list.d/newt-backports.sources)"
    {
      printf 'Types: deb\nURIs: %s\nSuites: %s-backports\nComponents: main\n' "$source" "$codename"
      [ ! -e "$keyring" ] || printf 'Signed-By: %s\n' "$keyring"
    } | as_root tee /etc/apt/sources.list.d/newt-backports.sources >/dev/null || return 1
    apt_lists_are_fresh=
    refresh_apt || return 1
  fi
  backports=$codename-backports
}

install_vulkan() {
  local why='ManiSkill (SAPIEN needs a Vulkan device)' packages=(mesa-vulkan-drivers libvulkan1)
  if has_library 'libvulkan\.so\.1'; then
    if has_gpu_vulkan || is_new_enough "$(installed_version mesa-vulkan-drivers)"; then return; fi
  fi
  if can_install && refresh_apt; then
    if is_new_enough "$(candidate_version mesa-vulkan-drivers)"; then
      install "$why" "${packages[@]}" && return
    elif add_backports; then
      install "$why" "${packages[@]}" -t "$backports" && return
    fi
  fi
  say "going on without ManiSkill's tasks; they need, as root: ${packages[*]} of Mesa" \
    "$MESA_WITH_SEMAPHORES or newer"
}

install_system() {
  if [ "$(uname -s)" != Linux ] || [ "${NEWT_SKIP_SYSTEM:-}" = 1 ]; then
    say 'leaving system packages alone'
    return
  fi
  install_rendering
  install_vulkan
}

# --- Python -------------------------------------------------------------------------------

is_usable() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
    >/dev/null 2>&1
}

# Prints the first usable interpreter.
find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3.12 python3 python; do
    if is_usable "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

make_venv() {
  local python
  if [ -x .venv/bin/python ] && is_usable .venv/bin/python; then
    return
  fi
  if ! python=$(find_python); then
    # A bare Debian has no Python, or one without the venv module.
    install 'Python' python3 python3-venv || true
    python=$(find_python) ||
      fail "Newt needs Python $PYTHON_RANGE with its venv module, and found none." \
        'Install one and say PYTHON=/path/to/python make setup'
  fi
  say "making .venv with $("$python" --version)"
  "$python" -m venv --clear .venv
}

has_nvidia() { [ -e /dev/nvidiactl ] || has nvidia-smi; }

pip_install() { .venv/bin/python -m pip install -qq --disable-pip-version-check "$@"; }

# torchvision's operators are compiled for one build of PyTorch: both have to come from one source.
# With a GPU, that is the package index, which pip takes both from anyway.
install_torch() {
  if has_nvidia || .venv/bin/python -c 'import torch' >/dev/null 2>&1; then return; fi
  say 'no NVIDIA GPU: installing the CPU builds of torch and torchvision, as a pair'
  pip_install --index-url "$TORCH_CPU_INDEX" --timeout 10 --retries 1 \
    "$(required torch)" torchvision >/dev/null 2>&1 ||
    say "going on without $TORCH_CPU_INDEX, which cannot be reached: both come with Newt"
}

# required PACKAGE: the line under which Newt requires it, such as torch>=2.10,<2.14.
required() { sed -n "s/^ *\"\($1[<>=][^\"]*\)\".*/\1/p" pyproject.toml | head -n 1; }

check_torchvision() {
  .venv/bin/python -c 'import torchvision' >/dev/null 2>&1 ||
    say 'torchvision was built for another PyTorch: text encoders work, the image encoder dinov2' \
      'does not. docs/install.md says how to install the two as a pair'
}

install_newt() {
  say 'installing Newt and the simulators into .venv (one to three minutes the first time)'
  pip_install --editable '.[dev]'
}

install_system
make_venv
install_torch
install_newt
check_torchvision
[ -z "${1:-}" ] || touch "$1"
say "ready: .venv/bin/newt --help"
