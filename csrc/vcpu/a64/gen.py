"""Turn the instruction table (*.tbl, see README.md) into C, or into JSON for tools.

gen.py --out DIR TABLE...     write DIR/a64_gen.h and DIR/a64_gen.c
gen.py --json TABLE...        print the rows as one JSON array
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FEATURES = words(
    "base fp simd fp16 crc32 aes sha1 sha2 pmull lse rdm lrcpc dotprod jscvt fcma frintts flagm hint"
)
# A leaf of the decision tree is a list of at most this many patterns, tried in order.
LEAF_PATTERNS = 3
# The tree's root is one lookup in these bits.
ROOT_LSB, ROOT_WIDTH = 21, 11

# Placeholder kinds of a disassembly template, see README.md. Those of TEMPLATE_BARE take no field.
TEMPLATE_KINDS = words(
    "W X WS XS R RS Z P B H S D Q F E V VF VH VN VI VX VC VT VW VP EI EX EC EW L1 L2 L3 L4 RC RQ u s "
    "x pc cond ncond shift ext n1"
)
TEMPLATE_BARE = words(
    "bitmask sysreg fpimm asimdimm shl shr elem velem fbits bh lse two lane elem4 post dotelem"
)


class TableError(Exception):
    pass


@dataclass(frozen=True)
class Field:
    name: str
    lsb: int
    width: int
    allowed: tuple[int, ...] | None  # None: every value


@dataclass
class Row:
    name: str
    where: str
    mask: int
    value: int
    feature: str
    semantics: str
    disasm: str
    fields: list[Field] = field(default_factory=list)
    cubes: list[tuple[int, int]] = field(default_factory=list)


def merge_values(values: set[int], width: int) -> list[tuple[int, int]]:
    """Write a set of values of a field as few (mask, value) patterns, by splitting on the top bit down."""
    full = (1 << width) - 1

    def cover(mask: int, value: int, bit: int) -> list[tuple[int, int]]:
        inside = [v for v in values if v & mask == value]
        if not inside:
            return []
        if len(inside) == 1 << (bit + 1):
            return [(mask, value)]
        one = 1 << bit
        return cover(mask | one, value, bit - 1) + cover(mask | one, value | one, bit - 1)

    out = cover(0, 0, width - 1)
    return [(m & full, v) for m, v in out]


def parse_constraint(text: str, width: int, where: str) -> tuple[int, ...]:
    every = set(range(1 << width))
    negated = text.startswith("!")
    listed: set[int] = set()
    for part in text.lstrip("!").split(","):
        low, _, high = part.strip().lstrip("!").partition("-")
        try:
            listed |= set(range(int(low, 0), int(high or low, 0) + 1))
        except ValueError:
            raise TableError(f"{where}: bad value {part!r} in a constraint") from None
    if not listed <= every:
        raise TableError(f"{where}: a constrained value does not fit in {width} bits")
    accepted = every - listed if negated else listed
    if not accepted:
        raise TableError(f"{where}: a constraint accepts no value")
    return tuple(sorted(accepted))


def parse_pattern(row: Row, text: str) -> None:
    lsb = 32
    cubes = [(0, 0)]
    # A constraint may hold blanks after its commas.
    for token in re.findall(r"[^\s{]+(?:\{[^}]*\})?", text):
        match = re.fullmatch(r"([A-Za-z_]\w*):(\d+)(?:\{([^}]*)\})?", token)
        if match:
            name, width = match[1], int(match[2])
            lsb -= width
            if lsb < 0:
                break
            allowed = None
            if any(f.name == name for f in row.fields):
                raise TableError(f"{row.where}: {row.name}: field {name} twice")
            if match[3] is not None:
                allowed = parse_constraint(match[3], width, row.where)
                cubes = [
                    (m | fm << lsb, v | fv << lsb)
                    for m, v in cubes
                    for fm, fv in merge_values(set(allowed), width)
                ]
            row.fields.append(Field(name, lsb, width, allowed))
        elif re.fullmatch(r"[01x]+", token):
            for char in token:
                lsb -= 1
                if lsb >= 0 and char != "x":
                    row.mask |= 1 << lsb
                    row.value |= int(char) << lsb
        else:
            raise TableError(f"{row.where}: {row.name}: cannot read {token!r} in the pattern")
    if lsb != 0:
        raise TableError(f"{row.where}: {row.name}: the pattern has {32 - lsb} bits, not 32")
    row.cubes = [(row.mask | m, row.value | v) for m, v in cubes]


def check_template(row: Row) -> None:
    names = {f.name for f in row.fields}
    for inner in re.findall(r"\{([^{}]*)\}", row.disasm):
        kind, colon, name = inner.partition(":")
        base = re.split(r"[.*]", kind)[0]
        if not colon and inner in TEMPLATE_BARE:
            continue
        if base not in TEMPLATE_KINDS or name not in names:
            raise TableError(f"{row.where}: {row.name}: cannot read {{{inner}}} in the template")


def read_tables(paths: list[Path]) -> list[Row]:
    rows: list[Row] = []
    seen: dict[str, str] = {}
    for path in paths:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            # '#' also starts an immediate in a template, so a comment is a whole line.
            line = "" if line.lstrip().startswith("#") else line
            if not line.strip():
                continue
            where = f"{path}:{number}"
            parts = [p.strip() for p in line.split("|")]
            if len(parts) != 5:
                raise TableError(f"{where}: {len(parts)} columns, want 5")
            name, pattern, feature, semantics, disasm = parts
            if not re.fullmatch(r"[A-Za-z]\w*", name):
                raise TableError(f"{where}: bad name {name!r}")
            if name in seen:
                raise TableError(f"{where}: {name} is already at {seen[name]}")
            if feature not in FEATURES:
                raise TableError(f"{where}: {name}: unknown feature {feature!r}")
            if not re.fullmatch(r"pre_\w+", semantics):
                raise TableError(f"{where}: {name}: semantics {semantics!r} is not pre_...")
            seen[name] = where
            row = Row(name, where, 0, 0, feature, semantics, disasm)
            parse_pattern(row, pattern)
            check_template(row)
            rows.append(row)
    return rows


def meet(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return (a[1] ^ b[1]) & a[0] & b[0] == 0


def subtract(a: tuple[int, int], b: tuple[int, int]) -> list[tuple[int, int]]:
    """The part of pattern a that pattern b does not match."""
    if not meet(a, b):
        return [a]
    mask, value = a
    rest = []
    for bit in range(32):
        one = 1 << bit
        if b[0] & one and not mask & one:
            rest.append((mask | one, value | (~b[1] & one)))
            mask, value = mask | one, value | (b[1] & one)
    return rest


def within(a: Row, b: Row) -> bool:
    left = list(a.cubes)
    for cube in b.cubes:
        left = [piece for part in left for piece in subtract(part, cube)]
    return not left


def order_by_specificity(rows: list[Row]) -> list[tuple[int, int, int]]:
    """Patterns as (mask, value, row index), most specific first; raises on an ambiguous pair."""
    problems = []
    before: list[set[int]] = [set() for _ in rows]  # rows that must be tried before this one
    for i, a in enumerate(rows):
        for j in range(i):
            b = rows[j]
            if (a.value ^ b.value) & a.mask & b.mask:
                continue
            if not any(meet(x, y) for x in a.cubes for y in b.cubes):
                continue
            a_in_b, b_in_a = within(a, b), within(b, a)
            if a_in_b == b_in_a:
                problems.append(f"{a.where}: {a.name} and {b.name} ({b.where}) match the same words")
            elif a_in_b:
                before[j].add(i)
            else:
                before[i].add(j)
    if problems:
        raise TableError("\n".join(problems))
    out: list[int] = []
    done: set[int] = set()

    def visit(index: int) -> None:
        if index in done:
            return
        done.add(index)
        for other in sorted(before[index]):
            visit(other)
        out.append(index)

    for index in range(len(rows)):
        visit(index)
    return [(m, v, index) for index in out for m, v in rows[index].cubes]


class Tree:
    """Decision tree: root[insn[31:21]] names a node; a node tests one bit or is a list of patterns."""

    def __init__(self, patterns: list[tuple[int, int, int]]) -> None:
        self.patterns = patterns
        self.nodes: list[tuple[int, int, int]] = []  # (bit, zero, one), or (32, first pattern, count)
        self.leaves: list[int] = []
        self.memo: dict[tuple[tuple[int, ...], int], int] = {}
        self.root = []
        mask = ((1 << ROOT_WIDTH) - 1) << ROOT_LSB
        groups: dict[int, list[int]] = {}  # by the top four bits
        for top in range(1 << ROOT_WIDTH):
            value = top << ROOT_LSB
            group = groups.setdefault(value >> 28, [])
            if not group:
                group += self.matching(range(len(patterns)), 0xF << 28, value)
            self.root.append(self.build(tuple(self.matching(group, mask, value)), mask))

    def matching(self, candidates: Iterable[int], mask: int, value: int) -> list[int]:
        return [i for i in candidates if (self.patterns[i][1] ^ value) & self.patterns[i][0] & mask == 0]

    def build(self, inside: tuple[int, ...], known: int) -> int:
        key = (inside, 0 if len(inside) <= LEAF_PATTERNS else known)
        if key in self.memo:
            return self.memo[key]
        best = None
        if len(inside) > LEAF_PATTERNS:
            for bit in range(32):
                one = 1 << bit
                if known & one:
                    continue
                zero_side = [
                    i for i in inside if not (self.patterns[i][0] & one and self.patterns[i][1] & one)
                ]
                one_side = [
                    i for i in inside if not (self.patterns[i][0] & one and not self.patterns[i][1] & one)
                ]
                cost = max(len(zero_side), len(one_side)) * 64 + len(zero_side) + len(one_side)
                if max(len(zero_side), len(one_side)) < len(inside) and (best is None or cost < best[0]):
                    best = (cost, bit, tuple(zero_side), tuple(one_side))
        if best is None:
            node = (32, len(self.leaves), len(inside))
            self.leaves.extend(inside)
        else:
            _, bit, zeros, ones = best
            node = (bit, self.build(zeros, known | 1 << bit), self.build(ones, known | 1 << bit))
        self.nodes.append(node)
        self.memo[key] = len(self.nodes) - 1
        return len(self.nodes) - 1


HEADER_NOTE = "/* Made by vcpu/a64/gen.py from the tables in vcpu/a64/. */\n"


def c_header(rows: list[Row]) -> str:
    lines = [
        HEADER_NOTE,
        "#ifndef A64_GEN_H",
        "#define A64_GEN_H",
        "#include <stdint.h>",
        "",
        "enum a64_id {",
    ]
    lines += [f"    A64_{row.name}," for row in rows]
    lines += ["    A64_COUNT,", "    A64_INVALID = A64_COUNT,", "};", "", "struct a64_op;"]
    for name in sorted({row.semantics for row in rows}):
        lines.append(f"int {name}(struct a64_op *op, uint64_t pc);")
    lines += [
        "",
        "/* X(name, predecode function) for every row, in the order of the enum. */",
        "#define A64_ROWS(X) \\",
    ]
    lines += [f"    X({row.name}, {row.semantics}) \\" for row in rows]
    lines += ["    /* end */", "", "#endif", ""]
    return "\n".join(lines)


class Texts:
    """Each text once, with where it starts in all of them, each ended by a NUL."""

    def __init__(self) -> None:
        self.offsets: dict[str, int] = {}
        self.size = 0

    def at(self, text: str) -> int:
        if text not in self.offsets:
            self.offsets[text] = self.size
            self.size += len(text) + 1
        return self.offsets[text]


def c_string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def numbers(values: list[int], per_line: int = 16) -> str:
    rows = [values[i : i + per_line] for i in range(0, len(values), per_line)]
    return "\n".join("    " + ", ".join(map(str, r)) + "," for r in rows)


def c_source(rows: list[Row], patterns: list[tuple[int, int, int]]) -> str:
    tree = Tree(patterns)
    if max(len(tree.nodes), len(tree.leaves)) > 0xFFFF:
        raise TableError("the decision tree does not fit in 16-bit indices")
    out = [HEADER_NOTE, '#include "vcpu/a64/a64.h"', ""]
    texts = Texts()
    fields = [(texts.at(f.name), f.lsb, f.width) for row in rows for f in row.fields]
    out.append("static const struct a64_field fields[] = {")
    out += [f"    {{{name}, {lsb}, {width}}}," for name, lsb, width in fields]
    out += ["    {0, 0, 0},", "};", "", "static const struct a64_row rows[A64_COUNT] = {"]
    at = 0
    for row in rows:
        name, feature, disasm = (texts.at(text) for text in (row.name, row.feature, row.disasm))
        out.append(
            f"    {{0x{row.mask:08x}, 0x{row.value:08x}, {name}, {feature}, {disasm}, {at}, "
            f"{len(row.fields)}}},"
        )
        at += len(row.fields)
    if max(at, texts.size) > 0xFFFF:
        raise TableError("the fields or the texts do not fit in 16-bit indices")
    out += ["};", "", "static const char texts[] ="]
    out += [f'    {c_string(text)} "\\0"' for text in texts.offsets]
    out[-1] += ";"
    out += ["", "/* A word w matches when (w & mask) == value. */"]
    out.append("static const struct { uint32_t mask, value; uint16_t id; } patterns[] = {")
    out += [f"    {{0x{m:08x}, 0x{v:08x}, A64_{rows[i].name}}}," for m, v, i in tree.patterns]
    out += ["};", "", f"static const uint16_t root[{1 << ROOT_WIDTH}] = {{", numbers(tree.root), "};", ""]
    out += ["/* bit < 32: go to next[that bit of the word]; else next is {first, count} in leaves. */"]
    out.append("static const struct { uint16_t bit, next[2]; } nodes[] = {")
    out += [f"    {{{bit}, {{{a}, {b}}}}}," for bit, a, b in tree.nodes]
    out += ["};", "", "static const uint16_t leaves[] = {", numbers([*tree.leaves, 0]), "};", ""]
    out.append(
        f"""enum a64_id a64_decode(uint32_t insn)
{{
    unsigned at = root[insn >> {ROOT_LSB}];
    while (nodes[at].bit < 32)
        at = nodes[at].next[(insn >> nodes[at].bit) & 1];
    const uint16_t *leaf = leaves + nodes[at].next[0];
    for (unsigned i = 0; i < nodes[at].next[1]; i++) {{
        if ((insn & patterns[leaf[i]].mask) == patterns[leaf[i]].value)
            return (enum a64_id)patterns[leaf[i]].id;
    }}
    return A64_INVALID;
}}

const struct a64_row *a64_row(enum a64_id id)
{{
    return id < A64_COUNT ? &rows[id] : 0;
}}

const struct a64_field *a64_fields(const struct a64_row *row)
{{
    return fields + row->field_at;
}}

const char *a64_text(unsigned text)
{{
    return texts + text;
}}
"""
    )
    return "\n".join(out)


def as_json(rows: list[Row]) -> str:
    return json.dumps(
        [
            {
                "name": row.name,
                "mask": row.mask,
                "value": row.value,
                "feature": row.feature,
                "semantics": row.semantics,
                "disasm": row.disasm,
                "fields": [
                    {"name": f.name, "lsb": f.lsb, "width": f.width, "allowed": f.allowed} for f in row.fields
                ],
            }
            for row in rows
        ],
        indent=1,
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("tables", nargs="+", type=Path)
    args = parser.parse_args()
    try:
        rows = read_tables(args.tables)
        patterns = order_by_specificity(rows)
        if args.json:
            print(as_json(rows))
        if args.out:
            source = c_source(rows, patterns)
            args.out.mkdir(parents=True, exist_ok=True)
            (args.out / "a64_gen.h").write_text(c_header(rows))
            (args.out / "a64_gen.c").write_text(source)
    except TableError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
