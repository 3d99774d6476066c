// Addresses as text, their kinds and prefixes; host names.
#include "wasi/socket_address.h"

#include <gtest/gtest.h>

namespace wjit {
namespace {

SocketAddress at(std::string_view text) {
  auto address = SocketAddress::parse(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(SocketAddress());
}

TEST(SocketAddress, Text) {
  EXPECT_EQ(at("127.0.0.1:80").to_string(), "127.0.0.1:80");
  EXPECT_EQ(at("[::1]:65535").to_string(), "[::1]:65535");
  EXPECT_EQ(at("[2001:db8:0:0::1]:0").to_string(), "[2001:db8::1]:0");
  EXPECT_EQ(SocketAddress(IpFamily::V4).to_string(), "0.0.0.0:0");
  EXPECT_EQ(SocketAddress(IpFamily::V6).to_string(), "[::]:0");
  for (const char* wrong : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1: 1", "::1:80",
                            "[127.0.0.1]:80", "[::1]80", "[::1:80", "localhost:80", "1.2.3:80", "", ":80"}) {
    EXPECT_FALSE(SocketAddress::parse(wrong)) << wrong;
  }
}

TEST(SocketAddress, MappedIsIpv4) {
  auto address = parse_ip("::ffff:10.1.2.3");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->to_string(), "10.1.2.3:0");
  EXPECT_FALSE(parse_ip(std::string_view("1.2.3.4\0x", 9)));
}

TEST(SocketAddress, Kinds) {
  EXPECT_TRUE(at("0.0.0.0:1").is_unspecified());
  EXPECT_TRUE(at("[::]:1").is_unspecified());
  EXPECT_FALSE(at("[::1]:1").is_unspecified());
  for (const char* unicast : {"0.0.0.0:0", "127.0.0.1:0", "223.255.255.255:0", "240.0.0.1:0", "[::]:0", "[fe80::1]:0"})
    EXPECT_TRUE(at(unicast).is_unicast()) << unicast;
  for (const char* other : {"224.0.0.1:0", "239.255.255.255:0", "255.255.255.255:0", "[ff02::1]:0"})
    EXPECT_FALSE(at(other).is_unicast()) << other;
  SocketAddress mapped(IpFamily::V6);
  mapped.v6.sin6_addr.s6_addr[10] = mapped.v6.sin6_addr.s6_addr[11] = 0xFF;
  EXPECT_TRUE(mapped.is_mapped());
  EXPECT_FALSE(at("[::]:0").is_mapped());
}

TEST(SocketAddress, Prefixes) {
  EXPECT_TRUE(at("10.1.2.3:5").within(at("10.255.0.0:9"), 8));
  EXPECT_FALSE(at("11.1.2.3:5").within(at("10.0.0.0:0"), 8));
  EXPECT_TRUE(at("11.1.2.3:5").within(at("10.0.0.0:0"), 7));
  EXPECT_TRUE(at("192.168.1.127:5").within(at("192.168.1.64:0"), 26));
  EXPECT_FALSE(at("192.168.1.128:5").within(at("192.168.1.64:0"), 26));
  EXPECT_TRUE(at("1.2.3.4:5").within(at("9.9.9.9:0"), 0));
  EXPECT_TRUE(at("1.2.3.4:5").within(at("1.2.3.4:0"), 32));
  EXPECT_FALSE(at("1.2.3.4:5").within(at("1.2.3.5:0"), 32));
  EXPECT_FALSE(at("1.2.3.4:5").within(at("[::]:0"), 0));
  EXPECT_TRUE(at("[fd12::1]:5").within(at("[fd00::]:0"), 8));
  EXPECT_FALSE(at("[fe12::1]:5").within(at("[fd00::]:0"), 8));
  EXPECT_FALSE(at("[::1]:5").within(at("[::2]:0"), 128));
}

TEST(SocketAddress, Equality) {
  EXPECT_TRUE(at("1.2.3.4:5") == at("1.2.3.4:5"));
  EXPECT_FALSE(at("1.2.3.4:5") == at("1.2.3.4:6"));
  EXPECT_FALSE(at("1.2.3.4:5") == at("1.2.3.5:5"));
  SocketAddress scoped = at("[fe80::1]:5");
  scoped.v6.sin6_scope_id = 3;
  EXPECT_FALSE(scoped == at("[fe80::1]:5"));
}

TEST(HostName, Ascii) {
  EXPECT_EQ(ascii_host_name("Example.COM"), "example.com");
  EXPECT_EQ(ascii_host_name("example.com."), "example.com.");
  EXPECT_EQ(ascii_host_name("r3---sn-a.b--c"), "r3---sn-a.b--c");
  EXPECT_EQ(ascii_host_name("_srv.a-b.x1"), "_srv.a-b.x1");
  EXPECT_EQ(ascii_host_name(std::string(63, 'a')), std::string(63, 'a'));
  std::string long_name;
  for (int i = 0; i < 64; ++i) long_name += "abc.";
  for (std::string wrong : {std::string(), std::string("."), std::string("a..b"), std::string(".a"), std::string("a b"),
                            std::string("a\0b", 3), std::string("-a"), std::string("a-"), std::string("a/b"),
                            std::string("[::1]"), std::string("a:80"), std::string(64, 'a'), long_name}) {
    EXPECT_EQ(ascii_host_name(wrong), std::nullopt) << wrong;
  }
}

// What some read as an address is no name, in whatever digits and with whatever dots.
TEST(HostName, Numbers) {
  for (const char* wrong : {"127.1", "2130706433", "0x7f000001", "0X7F.1", "0x7f.0x1", "017700000001", "0x", "1.2.3.4",
                            "1.2.3.4.", "a.1", "a.0xb", "１２７．１", "2130706433。", "0x７f000001"}) {
    EXPECT_EQ(ascii_host_name(wrong), std::nullopt) << wrong;
  }
  EXPECT_EQ(ascii_host_name("0x7g"), "0x7g");
  EXPECT_EQ(ascii_host_name("127.0.0.x1"), "127.0.0.x1");
}

// The examples of RFC 3492, 7.1, as labels; then what is mapped, and what is checked.
TEST(HostName, Unicode) {
  EXPECT_EQ(ascii_host_name("bücher.example"), "xn--bcher-kva.example");
  EXPECT_EQ(ascii_host_name("BÜCHER.example"), "xn--bcher-kva.example");
  EXPECT_EQ(ascii_host_name("他们为什么不说中文"), "xn--ihqwcrb4cv8a8dqg056pqjye");
  EXPECT_EQ(ascii_host_name("почемужеонинеговорятпорусски"), "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l");
  EXPECT_EQ(ascii_host_name("3年b組金八先生"), "xn--3b-ww4c5e180e575a65lsy2b");
  EXPECT_EQ(ascii_host_name("例え。テスト"), "xn--r8jz45g.xn--zckzah");
  for (const char* wrong : {"\xFF", "a\xC0\x80", "\xED\xA0\x80", "\xE4\xBB", "\xF5\x80\x80\x80", "\xC2\x80"})
    EXPECT_EQ(ascii_host_name(wrong), std::nullopt);
  EXPECT_EQ(ascii_host_name("bu\u0308cher.example。"), "xn--bcher-kva.example.");  // composed
  EXPECT_EQ(ascii_host_name("ｅｘａｍｐｌｅ．ｃｏｍ"), "example.com");
  EXPECT_EQ(ascii_host_name("ex\u00ADample.com"), "example.com");  // a soft hyphen
  EXPECT_EQ(ascii_host_name("faß.de"), "xn--fa-hia.de");
  EXPECT_EQ(ascii_host_name("ΣΑΣ.gr"), ascii_host_name("σασ.gr"));
  EXPECT_EQ(ascii_host_name("_ü.de"), "xn--_-eha.de");
  EXPECT_EQ(ascii_host_name("XN--Bcher-KVA.de"), "xn--bcher-kva.de");
  for (const char* wrong : {"xn--a.de", "xn--.de", "xn--zz-.de", "-ü.de", "\u0308a.de", "a\u200Db.de", "1ا.de", "℀.de",
                            "ü..de", "ü b.de", "ü:80"}) {
    EXPECT_EQ(ascii_host_name(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace wjit
