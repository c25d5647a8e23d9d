"""Docker, which `sam local invoke` runs functions in."""

import json
import shutil
import socket
import subprocess
import sys
from ipaddress import ip_network

from tools.sam_local.seed import SamLocalFailed
from tools.stack import ARCHITECTURE

PYTHON_VERSION = "3.13"
IMAGE = f"public.ecr.aws/lambda/python:{PYTHON_VERSION}-{ARCHITECTURE}"


def require_docker() -> None:
    """Checks that Docker runs, and downloads the functions' image where it is missing.

    Raises:
        SamLocalFailed: Docker or the image is missing.
    """
    if shutil.which("docker") is None:
        raise SamLocalFailed(
            "Docker is not installed. `sam local invoke` runs functions in containers: "
            "https://docs.docker.com/get-docker/"
        )
    if (info := _docker("info")).returncode:
        raise SamLocalFailed(f"Docker is installed but does not respond: {_last_line(info)}")
    if _docker("image", "inspect", IMAGE).returncode:
        print(f"  downloading {IMAGE} ...", file=sys.stderr, flush=True)
        if (pull := _docker("pull", IMAGE)).returncode:
            raise SamLocalFailed(f"The image {IMAGE} is missing, and the download failed: {_last_line(pull)}")


def reachable_address() -> tuple[str, str]:
    """An address of this machine that containers can reach, and its name inside a container."""
    network = _docker("network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}")
    for part in json.loads(network.stdout) if network.returncode == 0 else []:
        # If no gateway is configured, the bridge has the first address of the subnet.
        gateway = part.get("Gateway") or str(next(ip_network(part["Subnet"]).hosts()))
        try:
            with socket.create_server((gateway, 0)):
                return gateway, gateway
        except OSError:
            continue  # With Docker Desktop, the bridge is inside its virtual machine.
    return "127.0.0.1", "host.docker.internal"


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)  # noqa: S607


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip().splitlines() or ["no reason given"])[-1]
