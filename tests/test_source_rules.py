"""Rules that hold for every file of the project, whatever it does."""

import ast
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
APPS = ("ledger", "ratelimits", "billing", "invoices")
CODE = (*APPS, "config")
EXACT = ("ledger", "billing/pricing", "billing/services", "invoices")
# "path:line source" of floats that are no amount; none so far.
ALLOWED_FLOATS: set[str] = set()

FUNCTION_LINES = 40
TEST_LINES = 30
FILE_LINES = 300

BROAD = re.compile(r"\b(Base)?Exception\b")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:tmp|work|root|farm|home)/[\w./-]+")
VARIABLE_EXPLAINED = re.compile(r"^(?:# )?([A-Z_]+)=", re.MULTILINE)
VARIABLE_READ = re.compile(r'\benv(?:\.\w+|iron\.get)?\(\s*"([A-Z_]+)"')


def test_no_field_is_a_float() -> None:
    assert _found(CODE, _is_float_field) == []


def test_no_amount_meets_a_float() -> None:
    assert set(_found(EXACT, _is_float)) == ALLOWED_FLOATS


def test_no_app_listens_to_signals() -> None:
    assert _found(APPS, _imports_signals) == []


def test_no_except_is_broad() -> None:
    assert _found((*CODE, "tests"), _is_broad_except) == []


def test_functions_are_short() -> None:
    assert _found(CODE, _is_long(FUNCTION_LINES)) == []
    assert _found(("tests",), _is_long(TEST_LINES)) == []


def test_files_are_short() -> None:
    lengths = {path: _text(path).count("\n") for path in _python(*CODE, "tests")}

    assert [path for path, lines in lengths.items() if lines > FILE_LINES] == []


def test_modules_are_named_after_what_they_hold() -> None:
    vague = {"common", "helpers", "misc", "utils"}

    assert [path for path in _files() if path.stem in vague] == []


def test_no_file_names_a_path_of_one_machine() -> None:
    texts = {path: _text(path) for path in _files() if path.suffix != ".lock"}

    assert [path for path, text in texts.items() if MACHINE_PATH.search(text)] == []


def test_every_variable_that_is_read_is_explained() -> None:
    explained = VARIABLE_EXPLAINED.findall(_text(Path(".env.example")))
    settings = [*_python("config/settings"), Path("config/services.py")]
    read = {name for path in settings for name in VARIABLE_READ.findall(_text(path))}

    assert "SECRET_KEY" in read
    assert read - set(explained) == set()


def _files() -> Iterator[Path]:
    waiting = [ROOT]
    while waiting:
        path = waiting.pop()
        if path.is_dir():
            waiting += [child for child in path.iterdir() if not _is_made(child.name)]
        else:
            yield path.relative_to(ROOT)


def _is_made(name: str) -> bool:
    patterns = _text(Path(".gitignore")).split()
    return name == ".git" or any(fnmatch(name, made.rstrip("/")) for made in patterns)


def _python(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(ROOT)


@cache
def _text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def _found(folders: tuple[str, ...], is_bad: Callable[[ast.AST], bool]) -> list[str]:
    return [
        f"{path}:{getattr(node, 'lineno', 0)} {ast.unparse(node).splitlines()[0]}"
        for path in _python(*folders)
        for node in ast.walk(ast.parse(_text(path)))
        if is_bad(node)
    ]


def _is_float_field(node: ast.AST) -> bool:
    return "FloatField" in {getattr(node, "attr", ""), getattr(node, "id", "")}


def _is_float(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "float"
    return isinstance(node, ast.Constant) and isinstance(node.value, float)


def _imports_signals(node: ast.AST) -> bool:
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return False
    prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    names = [prefix + name.name for name in node.names]
    signals = ("django.dispatch", "django.db.models.signals")
    return any(name.startswith(signals) for name in names)


def _is_broad_except(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    return node.type is None or bool(BROAD.search(ast.unparse(node.type)))


def _is_long(limit: int) -> Callable[[ast.AST], bool]:
    def is_long(node: ast.AST) -> bool:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return False
        return (node.end_lineno or node.lineno) - node.lineno >= limit

    return is_long
