// The rules of --net: what they cover, and what is wrong with them.
#include "wasi/network_rules.h"

#include <gtest/gtest.h>

namespace wjit {
namespace {

NetworkRules rules(std::string_view text) {
  NetworkRules rules;
  auto added = rules.add(text);
  EXPECT_TRUE(added) << added.error().message;
  return rules;
}

bool covers(const NetworkRules& rules, NetworkUse use, std::string_view address) {
  return rules.covers(use, *SocketAddress::parse(address));
}

std::string error_of(std::string_view text) {
  NetworkRules rules;
  auto added = rules.add(text);
  EXPECT_FALSE(rules.any(NetworkUse::TcpConnect) || rules.any(NetworkUse::Udp)) << text;
  return added ? "none" : added.error().message;
}

TEST(NetworkRules, NothingIsAllowedWithoutARule) {
  NetworkRules none;
  for (auto use : {NetworkUse::TcpConnect, NetworkUse::TcpListen, NetworkUse::Udp, NetworkUse::Dns}) {
    EXPECT_FALSE(none.any(use));
    EXPECT_FALSE(covers(none, use, "127.0.0.1:80"));
  }
  EXPECT_FALSE(none.covers_name("example.com"));
}

TEST(NetworkRules, Everything) {
  NetworkRules all = rules("*");
  EXPECT_TRUE(covers(all, NetworkUse::TcpListen, "[::]:0"));
  EXPECT_TRUE(all.covers_name("example.com"));
  EXPECT_TRUE(all.any(NetworkUse::Udp));
}

TEST(NetworkRules, UseAndAddressAndPort) {
  NetworkRules one = rules("tcp-connect=127.0.0.1:80");
  EXPECT_TRUE(covers(one, NetworkUse::TcpConnect, "127.0.0.1:80"));
  EXPECT_FALSE(covers(one, NetworkUse::TcpConnect, "127.0.0.1:81"));
  EXPECT_FALSE(covers(one, NetworkUse::TcpConnect, "127.0.0.2:80"));
  EXPECT_FALSE(covers(one, NetworkUse::TcpConnect, "[::1]:80"));
  EXPECT_FALSE(covers(one, NetworkUse::TcpListen, "127.0.0.1:80"));
  EXPECT_FALSE(covers(one, NetworkUse::Udp, "127.0.0.1:80"));
  EXPECT_TRUE(one.any(NetworkUse::TcpConnect));
  EXPECT_FALSE(one.any(NetworkUse::Udp));
}

TEST(NetworkRules, PrefixesAndPortRanges) {
  NetworkRules many = rules("tcp-listen=10.0.0.0/8:8000-8099,udp=[fd00::]/8:53,udp=[fe80::/10],tcp-connect=*:443");
  EXPECT_TRUE(covers(many, NetworkUse::TcpListen, "10.200.1.1:8000"));
  EXPECT_TRUE(covers(many, NetworkUse::TcpListen, "10.0.0.0:8099"));
  EXPECT_FALSE(covers(many, NetworkUse::TcpListen, "10.0.0.0:8100"));
  EXPECT_FALSE(covers(many, NetworkUse::TcpListen, "11.0.0.0:8000"));
  EXPECT_TRUE(covers(many, NetworkUse::Udp, "[fdab::1]:53"));
  EXPECT_FALSE(covers(many, NetworkUse::Udp, "[fdab::1]:54"));
  EXPECT_TRUE(covers(many, NetworkUse::Udp, "[febf::1]:0"));
  EXPECT_FALSE(covers(many, NetworkUse::Udp, "[fec0::1]:0"));
  EXPECT_TRUE(covers(many, NetworkUse::TcpConnect, "1.2.3.4:443"));
  EXPECT_TRUE(covers(many, NetworkUse::TcpConnect, "[::1]:443"));
  EXPECT_FALSE(covers(many, NetworkUse::TcpConnect, "[::1]:444"));
}

TEST(NetworkRules, PortMayBeLeftOutOrChosenByTheSystem) {
  NetworkRules any = rules("udp=127.0.0.1,tcp-listen=127.0.0.1:0,tcp-connect=[::1]:*");
  EXPECT_TRUE(covers(any, NetworkUse::Udp, "127.0.0.1:0"));
  EXPECT_TRUE(covers(any, NetworkUse::Udp, "127.0.0.1:65535"));
  EXPECT_TRUE(covers(any, NetworkUse::TcpListen, "127.0.0.1:0"));
  EXPECT_FALSE(covers(any, NetworkUse::TcpListen, "127.0.0.1:1"));
  EXPECT_TRUE(covers(any, NetworkUse::TcpConnect, "[::1]:7"));
}

TEST(NetworkRules, NamesAreForTheAsker) {
  NetworkRules named = rules("tcp-connect=Example.com:443,udp=localhost");
  EXPECT_EQ(named.names(NetworkUse::TcpConnect, 443), std::vector<std::string>{"example.com"});
  EXPECT_TRUE(named.names(NetworkUse::TcpConnect, 444).empty());
  EXPECT_EQ(named.names(NetworkUse::Udp, 1), std::vector<std::string>{"localhost"});
  EXPECT_FALSE(covers(named, NetworkUse::Udp, "127.0.0.1:1"));
  EXPECT_FALSE(named.covers_name("example.com"));  // connecting is not looking up
}

TEST(NetworkRules, LookUps) {
  NetworkRules dns = rules("dns=example.com,dns=*.Example.org,dns=bücher.example");
  EXPECT_TRUE(dns.covers_name("example.com"));
  EXPECT_TRUE(dns.covers_name("example.com."));
  EXPECT_FALSE(dns.covers_name("www.example.com"));
  EXPECT_TRUE(dns.covers_name("www.example.org"));
  EXPECT_TRUE(dns.covers_name("a.b.example.org"));
  EXPECT_TRUE(dns.covers_name("a.b.example.org."));
  EXPECT_FALSE(dns.covers_name("example.org"));
  EXPECT_FALSE(dns.covers_name("badexample.org"));
  EXPECT_TRUE(dns.covers_name("xn--bcher-kva.example"));
  EXPECT_TRUE(rules("dns=*").covers_name("anything"));
  EXPECT_TRUE(rules("dns=example.com.,dns=*.example.org.").covers_name("example.com"));
  EXPECT_TRUE(rules("dns=example.com.,dns=*.example.org.").covers_name("www.example.org"));
}

TEST(NetworkRules, SeveralTexts) {
  NetworkRules both = rules("udp=127.0.0.1:1");
  EXPECT_TRUE(both.add("udp=127.0.0.1:2,dns=*"));
  EXPECT_TRUE(covers(both, NetworkUse::Udp, "127.0.0.1:1"));
  EXPECT_TRUE(covers(both, NetworkUse::Udp, "127.0.0.1:2"));
}

TEST(NetworkRules, Wrong) {
  EXPECT_EQ(error_of("tcp-conect=1.2.3.4:5"),
            "`tcp-conect=1.2.3.4:5` is no rule; expected tcp-connect=HOST:PORT, tcp-listen=HOST:PORT, udp=HOST:PORT or "
            "dns=NAME");
  EXPECT_EQ(error_of("udp"), "`udp`: expected udp=HOST:PORT");
  EXPECT_EQ(error_of("dns="), "`dns=`: expected dns=NAME");
  EXPECT_EQ(error_of("dns=a b"), "`dns=a b`: `a b` is no host name");
  EXPECT_EQ(error_of("udp=1.2.3.4:5,"),
            "`` is no rule; expected tcp-connect=HOST:PORT, tcp-listen=HOST:PORT, "
            "udp=HOST:PORT or dns=NAME");
  EXPECT_EQ(error_of("udp=::1:53"), "`udp=::1:53`: an IPv6 address stands in brackets: [ADDRESS]:PORT");
  EXPECT_EQ(error_of("udp=[::1"), "`udp=[::1`: the closing bracket is missing");
  EXPECT_EQ(error_of("udp=[1.2.3.4]:1"), "`udp=[1.2.3.4]:1`: `1.2.3.4` is no IPv6 address");
  EXPECT_EQ(error_of("udp=[::1]x"), "`udp=[::1]x`: expected a port after the address, not `x`");
  EXPECT_EQ(error_of("udp=1.2.3.4/33:1"), "`udp=1.2.3.4/33:1`: `33` is no prefix length; it is 0 to 32");
  EXPECT_EQ(error_of("udp=[::]/129:1"), "`udp=[::]/129:1`: `129` is no prefix length; it is 0 to 128");
  EXPECT_EQ(error_of("udp=name/8:1"), "`udp=name/8:1`: a prefix length needs an address, and `name` is none");
  EXPECT_EQ(error_of("udp=1.2.3:1"), "`udp=1.2.3:1`: `1.2.3` is neither an address nor a host name");
  for (const char* number : {"127.1", "0x7f000001", "2130706433"}) {
    EXPECT_EQ(error_of(fmt::format("udp={}:1", number)),
              fmt::format("`udp={0}:1`: `{0}` is neither an address nor a host name", number));
    EXPECT_EQ(error_of(fmt::format("dns={}", number)), fmt::format("`dns={0}`: `{0}` is no host name", number));
  }
  EXPECT_EQ(error_of("udp=:1"), "`udp=:1`: `` is neither an address nor a host name");
  for (const char* port : {"65536", "-1", "1-", "-", "9-8", "1-2-3", "x", "0x10", "", "1 "}) {
    EXPECT_EQ(error_of(std::string("tcp-listen=*:") + port),
              std::string("`tcp-listen=*:") + port + "`: `" + port + "` is no port; it is 0 to 65535, FIRST-LAST or *");
  }
}

}  // namespace
}  // namespace wjit
