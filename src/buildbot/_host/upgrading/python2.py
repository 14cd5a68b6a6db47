"""Telling Python 2 from Python 3."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from chargehand.kit.error_text import message_of

_MODULES = """
BaseHTTPServer=http.server CGIHTTPServer=http.server ConfigParser=configparser Cookie=http.cookies
HTMLParser=html.parser Queue=queue SimpleHTTPServer=http.server SocketServer=socketserver
StringIO=io UserDict=collections UserList=collections UserString=collections
__builtin__=builtins _winreg=winreg anydbm=dbm cPickle=pickle cStringIO=io commands=subprocess
cookielib=http.cookiejar copy_reg=copyreg dbhash=dbm.bsd dumbdbm=dbm.dumb exceptions=builtins
htmlentitydefs=html.entities httplib=http.client robotparser=urllib.robotparser sets=set
thread=_thread urllib2=urllib.request urlparse=urllib.parse whichdb=dbm xmlrpclib=xmlrpc.client
md5=hashlib sha=hashlib
"""
MODULES = dict(pair.split("=") for pair in _MODULES.split())
"""The modules of Python 2's library that have another name today."""

_BUILTINS = (
    "StandardError apply basestring buffer cmp coerce execfile file intern long raw_input reduce "
    "reload unichr unicode xrange"
)
BUILTINS = frozenset(_BUILTINS.split())
"""The built-in functions and types of Python 2 that Python 3 lacks."""

_METHODS = "has_key iteritems iterkeys itervalues viewitems viewkeys viewvalues"
METHODS = frozenset(_METHODS.split())
"""The methods of dictionaries that Python 3 lacks."""

_STRING_WORDS = (
    "atof atoi atol find join joinfields letters lowercase lower lstrip maketrans replace rstrip "
    "split splitfields strip upper uppercase zfill"
)
_STRING = frozenset(_STRING_WORDS.split())
_VIEWS = frozenset({"items", "keys", "values"})
_FUNCTIONS = "urlopen urlencode quote quote_plus unquote unquote_plus urlretrieve URLopener"
_URLLIB = frozenset(_FUNCTIONS.split())

_SYS = re.compile(r"module 'sys' has no attribute '(maxint|exc_type|exc_value|exitfunc)'")

_STATEMENTS = (
    (r"^\s*print\b(?!\s*[(=.])|Missing parentheses in call to 'print'", "print statement"),
    (r"^\s*exec\b(?!\s*[(=.])|Missing parentheses in call to 'exec'", "exec statement"),
    (r"^\s*except\s+[\w.()\s,]+,\s*\w+\s*:", '"except ERROR, name"'),
    (r"^\s*raise\s+[\w.]+\s*,", '"raise ERROR, message"'),
    (r"leading zeros in decimal integer literals", "octal number with a leading zero"),
    (r"inconsistent use of tabs and spaces|unindent does not match", "tabs mixed with spaces"),
    (r"invalid decimal literal\n.*\b\d+[lL]\b", 'number that ends with "L"'),
    (r"\n.*\b[uU][rR]''", "ur'' string"),
    (r"\n.*`[^`]+`", "backticks"),
    (r"\n.*<>", '"<>" operator'),
    (r"\n.*\b(def|lambda)\b.*\(\s*(\w+\s*,\s*)*\(", "tuple as a parameter"),
    (r"parameters cannot be parenthesized", "tuple as a parameter"),
)
_STRING_OR_COMMENT = re.compile(r"\"[^\"]*\"|'[^']*'|#.*")


def sign_in_error(error: SyntaxError) -> str | None:
    """Return what Python 2 has that the error is about, None where it is about something else."""
    line = _STRING_OR_COMMENT.sub("''", error.text or "")
    subject = f"{error.msg}\n{line}"
    return next((name for pattern, name in _STATEMENTS if re.search(pattern, subject, re.M)), None)


def sign_in_exception(error: BaseException) -> str | None:
    """Return what Python 2 has that the exception of a program that runs is about, or None."""
    match error:
        case ModuleNotFoundError(name=str(name)) if name in MODULES:
            return f'module "{name}"'
        case ImportError(name="urllib" | "string" as name):
            return f"functions of {name}"
        case ImportError(name="zope.interface") if "'implements'" in message_of(error):
            return "implements() of zope.interface"
        case NameError(name=str(name)) if name in BUILTINS:
            return f"{name}()"
        case AttributeError() if (found := _SYS.search(message_of(error))) is not None:
            return f"sys.{found[1]}"
        case AttributeError(name=str(name)) if (
            name in METHODS
            or (name in _URLLIB and "'urllib'" in message_of(error))
            or (name in _STRING and "module 'string'" in message_of(error))
        ):
            return f"{name}()"
        case TypeError() if 'Did you mean "print(<message>, file=' in message_of(error):
            return "print statement"
        case TypeError() if re.search(r"\+: 'dict_\w+' and '(dict_\w+|list)'", message_of(error)):
            return "items of dictionaries are added"
    return None


def is_python2(text: str) -> bool:
    """Return whether a source is written for Python 2 only."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return True
    guarded = {id(node) for block in _guarded(tree) for node in ast.walk(block)}
    defined = {name for node in ast.walk(tree) for name in _bound(node)}
    return any(_is_old(node, defined) for node in ast.walk(tree) if id(node) not in guarded)


def _guarded(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what is within a ``try`` or an ``if``: such a source may be for both."""
    for node in ast.walk(tree):
        match node:
            case ast.Try(handlers=handlers) if any(map(_may_miss, handlers)):
                yield node
            case ast.If(test=test) if "version_info" in ast.dump(test):
                yield node


def _may_miss(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return not names.isdisjoint({"ImportError", "ModuleNotFoundError", "NameError", "Exception"})


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a part of the source binds."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name for alias in names)


def _is_old(node: ast.AST, defined: set[str]) -> bool:
    match node:
        case ast.Import(names=names):
            return any(alias.name in MODULES for alias in names)
        case ast.ImportFrom(module=str(module), level=0, names=names):
            words = {alias.name for alias in names}
            return (
                module in MODULES
                or (module == "urllib" and not words.isdisjoint(_URLLIB))
                or (module == "string" and not words.isdisjoint(_STRING))
            )
        case ast.Name(id=name):
            return name in BUILTINS and name not in defined
        case ast.Attribute(attr=name, value=ast.Name(id="urllib")):
            return name in _URLLIB
        case ast.Attribute(attr=name, value=ast.Name(id="string")):
            return name in _STRING
        case ast.Attribute(attr="maxint", value=ast.Name(id="sys")):
            return True
        case ast.BinOp(
            op=ast.Add(), left=ast.Call(func=ast.Attribute(attr=name), args=[], keywords=[])
        ):
            return name in _VIEWS
        case ast.Attribute(attr=name):
            return name in METHODS
        case ast.BinOp(op=ast.RShift(), left=ast.Name(id="print")):
            return True
        case ast.ExceptHandler(type=ast.Tuple(elts=[_, ast.Name(id=name)])):
            return name.islower() and name not in defined  # valid, and something else, since 3.14
    return False
