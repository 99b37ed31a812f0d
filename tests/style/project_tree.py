"""The files of a source tree, their text without comments, and how a check reports findings."""
import dataclasses
import pathlib
import re
import subprocess
import sys

FIXTURES = "tests/style/fixtures/"
CODE_SUFFIXES = {".hpp", ".cpp", ".h", ".c"}

_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/'                       # comments
    r'|R"(?P<tag>[^()\s\\]{0,16})\(.*?\)(?P=tag)"'  # raw strings
    r'|"(?:\\.|[^"\\\n])*"'                     # strings
    r"|(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+'",   # characters, but not the ' in 1'000
    re.DOTALL)


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    """A rule that a file breaks; `line` is 0 where the whole file does."""
    path: str
    line: int
    rule: str
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


def list_files(root):
    """Relative paths, sorted: what git knows or would add; without git, all but builds."""
    root = pathlib.Path(root).resolve()
    try:
        # Root may build a clone that another user owns; listing its files is safe.
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z", "--cached",
             "--others", "--exclude-standard"], capture_output=True, check=True)
        paths = {path for path in done.stdout.decode().split("\0") if path}
    except (OSError, subprocess.CalledProcessError):
        paths = {path.relative_to(root).as_posix() for path in root.rglob("*")}
        paths = {path for path in paths if not re.match(r"(build|\.git|\.cache)/", path)}
    return sorted(path for path in paths
                  if (root / path).is_file() and not path.startswith(FIXTURES))


def read(root, path):
    """The text of a file; bytes that are no UTF-8 become U+FFFD."""
    return (pathlib.Path(root) / path).read_text(encoding="utf-8", errors="replace")


def is_code(path):
    return pathlib.PurePath(path).suffix in CODE_SUFFIXES


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(code):
    """C or C++ text with comments blanked; every line keeps its number."""
    return _TOKEN.sub(lambda m: _blank(m[0]) if m[0].startswith("/") else m[0], code)


def without_comments_and_strings(code):
    """As without_comments, with the insides of literals blanked too."""
    def replace(match):
        text = match[0]
        return _blank(text) if text.startswith("/") else text[0] + _blank(text[1:-1]) + text[-1]
    return _TOKEN.sub(replace, code)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def report(findings, checked):
    """Prints the findings, one per line, and gives the exit status."""
    for finding in sorted(findings):
        print(finding)
    print(f"{checked} files looked at, {len(findings)} findings")
    if not checked:
        print("nothing to look at is a failure: is the root right?", file=sys.stderr)
    return 1 if findings or not checked else 0
