#!/usr/bin/env python3
"""Writes the software bill of materials of `kdp`, CycloneDX 1.6 in JSON: `python deploy/sbom.py OUT`.

What stands in it: every crate that the binary is built of or by, with version, licence, source, and the SHA-256 by
which `Cargo.lock` pins it, and who needs whom. What only tests need is left out. The same sources give the same bytes.
The file is validated against the schema of the standard before it is written; exit 1 if it is not valid or a crate is
not pinned.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parent.parent
# A dependency of tests alone is of this kind.
FOR_TESTS = "dev"


def main() -> int:
    """Makes, validates and writes it."""
    metadata = json.loads(run("cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", host()))
    needs = needed(metadata)
    components, unpinned = described(metadata, set(needs))
    if unpinned:
        print(f"not pinned by a checksum: {', '.join(unpinned)}", file=sys.stderr)
        return 1
    text = written(metadata["resolve"]["root"], components, needs)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        print(f"not a valid bill: {error}", file=sys.stderr)
        return 1
    out = Path(sys.argv[1])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    print(f"{out}: {len(components) - 1} components, valid CycloneDX 1.6")
    return 0


def run(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def host() -> str:
    """The platform that is built for."""
    return next(line.removeprefix("host: ") for line in run("rustc", "-vV").splitlines() if line.startswith("host: "))


def needed(metadata: dict) -> dict[str, list[str]]:
    """Package id → what it needs to be built or to run, from the binary's crate down."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    needs: dict[str, list[str]] = {}
    waiting = [metadata["resolve"]["root"]]
    while waiting:
        package = waiting.pop()
        if package in needs:
            continue
        needs[package] = sorted(
            dep["pkg"]
            for dep in nodes[package]["deps"]
            if any(kind["kind"] != FOR_TESTS for kind in dep["dep_kinds"])
        )
        waiting.extend(needs[package])
    return needs


def described(metadata: dict, ids: set[str]) -> tuple[dict[str, Component], list[str]]:
    """Each package as a component, and the names of those that `Cargo.lock` does not pin."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))["package"]
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in lock}
    licences, components, unpinned = LicenseFactory(), {}, []
    for package in (package for package in metadata["packages"] if package["id"] in ids):
        name, version = package["name"], package["version"]
        own = package["id"] == metadata["resolve"]["root"]
        checksum = checksums.get((name, version))
        if not own and checksum is None:
            unpinned.append(f"{name} {version}")
        purl = PackageURL("cargo", name=name, version=version)
        component = Component(
            name=name,
            version=version,
            type=ComponentType.APPLICATION if own else ComponentType.LIBRARY,
            bom_ref=purl.to_string(),
            purl=None if own else purl,
            # Older crates write a slash where SPDX has OR.
            licenses=[licences.make_from_string(package["license"].replace("/", " OR "))] if package["license"] else [],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
        )
        if package["repository"] and not own:
            component.external_references.add(
                ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(package["repository"]))
            )
        components[package["id"]] = component
    return components, unpinned


def written(root: str, components: dict[str, Component], needs: dict[str, list[str]]) -> str:
    """The document; its number and date follow from the sources."""
    bom = Bom(components=[component for package, component in components.items() if package != root])
    lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    bom.serial_number = uuid5(NAMESPACE_URL, lock)
    bom.metadata.timestamp = datetime.fromtimestamp(int(run("git", "log", "-1", "--format=%ct")), UTC)
    bom.metadata.component = components[root]
    for package, below in needs.items():
        bom.register_dependency(components[package], [components[id] for id in below])
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main())
