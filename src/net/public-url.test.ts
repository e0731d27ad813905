import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPublicAddress } from "./addresses.ts";
import { checkPublicUrl } from "./public-url.ts";
import type { AddressResolver } from "./resolver.ts";

const names: Record<string, string[]> = {
  "example.com": ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"],
  "inside.example": ["10.0.0.7"],
  "mixed.example": ["93.184.215.14", "fd00::1"],
  "rebound.example": ["127.0.0.1"],
  "none.example": [],
  "xn--bcher-kva.example": ["93.184.215.14"],
};
const resolver: AddressResolver = async (name) => names[name] ?? ["93.184.215.14"];
const refusal = expect.objectContaining({ code: "URL_REFUSED", message: expect.stringContaining("public https URL") });

const check = (url: string, allowLoopback = false) => checkPublicUrl(url, { resolver, allowLoopback });

describe("refused", () => {
  it.each([
    // loopback, in every notation that a URL allows
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1./",
    "https://127.255.255.254/",
    "https://%31%32%37.0.0.1/",
    "https://１２７.0.0.1/",
    "https://①②⑦.0.0.1/",
    "https://127。0。0。1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[2002:7f00:1::]/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://a.localhost/",
    "https://ⓛocalhost/",
    // private, shared, link-local, metadata
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://169.254.169.254/latest/meta-data/",
    "https://0xa9fea9fe/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://168.63.129.16/",
    "https://metadata.google.internal/",
    "https://kubernetes.default.svc.cluster.local/",
    "https://router.lan/",
    // reserved, documentation, benchmark, multicast, broadcast, tunnels
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.9/",
    "https://192.88.99.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[2001::1]/",
    "https://[3fff::1]/",
    "https://[5f00::1]/",
    "https://[100::1]/",
    "https://[4000::1]/",
    // not https, not a web port, credentials, no dots, not a URL
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "data:image/png;base64,AA==",
    "javascript:alert(1)",
    "blob:https://example.com/x",
    "https://example.com:22/",
    "https://example.com:25/",
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://example.com@127.0.0.1/",
    "https://intranet/",
    "//example.com/",
    "example.com",
    "",
    "https://",
    "https://256.256.256.256/",
    "https://1.2.3.4.5/",
    "https://[::1",
    "https://exa mple.com/",
    // names that resolve to the inside
    "https://none.example/",
    "https://inside.example/",
    "https://mixed.example/",
    "https://rebound.example/",
    "https://rebound.example./",
    "https://REBOUND.example:8443/",
  ])("%s", async (url) => {
    await expect(check(url)).rejects.toEqual(refusal);
  });

  it("also in development: other than the machine's own", async () => {
    for (const url of [
      "http://10.0.0.1/",
      "https://169.254.169.254/",
      "http://example.com/",
      "https://inside.example/",
    ]) {
      await expect(check(url, true)).rejects.toEqual(refusal);
    }
  });
});

describe("let through", () => {
  it.each([
    "https://example.com/a.png?b#c",
    "https://EXAMPLE.com./",
    "https://example.com:443/",
    "https://example.com:8443/",
    "https://8.8.8.8/",
    "https://0x8080808/",
    "https://[2606:4700::1111]/",
    "https://bücher.example/",
    "https://172.32.0.1/",
    "https://100.128.0.1/",
    "https://example.com\\@127.0.0.1/@",
  ])("%s", async (url) => {
    expect((await check(url)).protocol).toBe("https:");
  });

  it("the machine's own in development alone", async () => {
    for (const url of ["http://127.0.0.1:8080/x", "http://localhost:1/", "http://[::1]:9/", "https://127.9.9.9/"]) {
      expect((await check(url, true)).href).toBe(url);
      await expect(check(url)).rejects.toEqual(refusal);
    }
  });
});

describe("isPublicAddress", () => {
  it("says the same of an IPv4 address and of all its embeddings in IPv6: none of these is let through", () => {
    fc.assert(
      fc.property(fc.ipV4(), (v4) => {
        for (const v6 of [`::ffff:${v4}`, `::${v4}`, `64:ff9b::${v4}`]) expect(isPublicAddress(v6)).toBe(false);
      }),
    );
  });

  it("takes no private IPv4 address", () => {
    const octet = fc.nat(255);
    const inside = fc.oneof(
      fc.tuple(fc.constantFrom(0, 10, 127, 224, 239, 240, 255), octet, octet, octet),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
      fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
      fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
      fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), octet, octet),
    );
    fc.assert(
      fc.property(inside, (octets) => {
        expect(isPublicAddress(octets.join("."))).toBe(false);
      }),
    );
  });

  it.each(["", "example.com", "1.2.3", "0x08080808", "8.8.8.8 ", "8.8.8.8/32", "fe80::1%eth0"])(
    "takes not %s",
    (text) => {
      expect(isPublicAddress(text)).toBe(false);
    },
  );
});
