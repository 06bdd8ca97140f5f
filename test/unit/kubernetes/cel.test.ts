import assert from "node:assert/strict";
import { textBlock, textLiteral, typedValue, type CelOptions } from "../../../kubernetes/cel";

const options: CelOptions = { maps: ["limits"], named: { "a script": "variables.script" } };
const written = (value: unknown) => typedValue(value, "Object.spec", options);

describe("values as CEL", () => {
  const texts: Record<string, [text: string, literal: string]> = {
    nothing: ["", '""'],
    quotes: [`it's "so"`, String.raw`"it's \"so\""`],
    "backslashes, also at the end": ["a\\n\\", String.raw`"a\\n\\"`],
    "line breaks and tabs": ["a\nb\r\n\tc", String.raw`"a\nb\r\n\tc"`],
    "control characters": ["\0\b\f\v\x7f", String.raw`"\u0000\b\f\u000b${"\x7f"}"`],
    "signs that a shell or a template expands": ["$HOME ${x} $(y) {{z}} `w`", '"$HOME ${x} $(y) {{z}} `w`"'],
    "letters beyond ASCII and beyond 16 bits": ["ü\u2028€😀", '"ü\u2028€😀"'],
    "half a surrogate pair, which no UTF-8 has": ["a\ud800b", '"a\ufffdb"'],
    "what looks like CEL": ['"+object.x+"', String.raw`"\"+object.x+\""`],
  };
  for (const [what, [text, literal]] of Object.entries(texts))
    it(`writes a text with ${what}`, () => assert.equal(textLiteral(text), literal));

  it("writes a text of several lines as it is, if it can be", () => {
    assert.equal(textBlock('a "b" \\n\n\tc\n'), 'r"""a "b" \\n\n\tc\n"""');
    assert.equal(textBlock("one line"), '"one line"');
    for (const [text, literal] of [
      ['a\n"', String.raw`"a\n\""`],
      ['a\n"""b', String.raw`"a\n\"\"\"b"`],
      ["a\r\nb", String.raw`"a\r\nb"`],
      ["ä\nb", String.raw`"ä\nb"`],
    ])
      assert.equal(textBlock(text), literal);
  });

  it("gives each object its type, by the path to it", () => {
    assert.equal(
      written({ a: { b: [{ c: true }, { c: false }] }, d: undefined, e: -1 }),
      "Object.spec{a: Object.spec.a{b: [Object.spec.a.b{c: true}, Object.spec.a.b{c: false}]}, e: -1}",
    );
  });

  it("writes quantities as texts, maps without a type, and empty lists and objects", () => {
    assert.equal(
      written({ size: "256Mi", limits: { cpu: "250m", "a/b": "1" }, list: [] }),
      'Object.spec{size: "256Mi", limits: {"cpu": "250m", "a/b": "1"}, list: []}',
    );
    assert.equal(
      written({ nested: [["x"], []], empty: {} }),
      'Object.spec{nested: [["x"], []], empty: Object.spec.empty{}}',
    );
  });

  it("writes a named text as its expression", () => {
    assert.equal(written({ command: ["sh", "a script"] }), 'Object.spec{command: ["sh", variables.script]}');
  });

  it("breaks what does not fit on a line", () => {
    const long = "x".repeat(60);
    assert.equal(
      written({ a: long, b: { c: [long, "y"] }, d: 1 }),
      ["Object.spec{", `  a: "${long}",`, `  b: Object.spec.b{c: ["${long}", "y"]},`, "  d: 1", "}"].join("\n"),
    );
  });

  it("refuses what no pod has", () => {
    for (const value of [null, 1.5, Number.NaN, () => 1])
      assert.throws(() => written({ a: value }), /no value of a policy/);
  });
});
