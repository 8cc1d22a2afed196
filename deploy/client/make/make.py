"""Makes the packs for integrators from their templates, world.json, the schemas and the keys of the fixtures.

    python make.py                   write what is missing or differs, delete what is no longer made
    python make.py --check           write nothing; exit 1 when anything differs
    python make.py --record BINARY [FOLDER]
                                     ask a sandbox of this binary anew for the answers that WireMock gives
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True

import pack  # noqa: E402
import prepared  # noqa: E402
import record  # noqa: E402
import soapui  # noqa: E402
import wiremock  # noqa: E402

#: Folders in which nothing lies but what is made here.
FOLDERS = ["csharp", "http", "java", "python", "shell", "soapui", "wiremock"]


def main() -> int:
    if sys.argv[1:2] == ["--record"]:
        record.answers(Path(sys.argv[2]).resolve(), Path(sys.argv[3]) if sys.argv[3:] else record.ANSWERS)
        return 0
    check = "--check" in sys.argv[1:]
    made = {pack.CLIENT / name: content.encode() for name, content in files().items()}
    differ = [path for path, content in made.items() if not path.exists() or path.read_bytes() != content]
    lying = [path for folder in FOLDERS for path in (pack.CLIENT / folder).rglob("*") if path.is_file()]
    stray = [path for path in sorted(lying) if path not in made and path.parent != record.ANSWERS]
    for path in differ + stray:
        print(f"{'differs' if check else 'wrote'} {path.relative_to(pack.CLIENT)}")
    if not check:
        for path in differ:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(made[path])
        for path in stray:
            path.unlink()
    return 1 if check and differ + stray else 0


def files() -> dict[str, str]:
    """Every file of the packs, by its path below deploy/client, but the recorded answers."""
    python = pack.lines('        ("{name}", {value}),', "{}", '"true" if METHOD == "2" else "false"', '"{}"')
    for setting in pack.SETTINGS.values():
        python = python.replace(f", {setting})", f", {setting.upper()})")
    java = pack.lines('        fields.put("{name}", {value});', "{}", 'String.valueOf(method.equals("2"))', '"{}"')
    shell = pack.lines("<{name}>{value}</{name}>", '$(xml "${}")',
                       "$([[ $method == 2 ]] && echo true || echo false)")
    return {
        "settings.py": pack.template("settings.py"),
        "python/kdp_client.py": pack.template("python/kdp_client.py", FIELDS=python),
        "python/requirements.txt": pack.template("python/requirements.txt"),
        "java/Client.java": pack.template("java/Client.java", FIELDS=java),
        "shell/kdp-client.sh": pack.template("shell/kdp-client.sh", FIELDS=shell),
        "csharp/Sign.cs": pack.template("csharp/Sign.cs", TOKEN_ID=prepared.TOKEN),
        "soapui/kdp-soapui-project.xml": soapui.project(),
        "http/kdp.http": pack.template("http/kdp.http"),
    } | prepared.requests() | prepared.dotnet() | wiremock.mappings()


if __name__ == "__main__":
    sys.exit(main())
