"""How the peers are configured: templates of their files."""

from __future__ import annotations

POSTFIX = """
virtual_transport = discard
smtpd_client_connection_count_limit = 0
"""
BEHIND_PROXY = """
{proxied} inet n - n - - smtpd
  -o smtpd_upstream_proxy_protocol=haproxy
  -o mynetworks=
"""
OPENDKIM = """
Mode v
Socket inet:{port}@127.0.0.1
Nameservers {dns}
InternalHosts {folder}/nobody
UserID nobody
Background no
Syslog no
"""
OPENDMARC = """
Socket inet:{port}@127.0.0.1
IgnoreHosts {folder}/nobody
AuthservID mx.sink.test
TrustedAuthservIDs mx.sink.test
SPFSelfValidate true
PublicSuffixList /usr/share/publicsuffix/public_suffix_list.dat
UserID nobody
Background no
Syslog false
"""
RSPAMD = {
    "options.inc": 'local_addrs = []; dns {{ nameserver = ["{dns}:53:1"]; }}',
    "worker-proxy.inc": 'bind_socket = "127.0.0.1:{port}"; milter = yes; timeout = 120s;'
    ' upstream "local" {{ default = yes; self_scan = yes; }} count = 1;',
    "worker-normal.inc": "enabled = false;",
    "worker-controller.inc": "enabled = false;",
    "worker-fuzzy.inc": "enabled = false;",
    "logging.inc": 'type = "console"; level = "error";',
    "fuzzy_check.conf": "enabled = false;",
    # They check no client on loopback else.
    **{f"{name}.conf": "check_local = true;" for name in ("spf", "dkim", "dmarc", "arc")},
}
HARAKA = {
    "smtp.ini": "listen=127.0.0.1:{port}\nnodes={nodes}\n",
    "plugins": "public\nspf\ndkim\nrcpt_to.in_host_list\nqueue/smtp_forward\n",
    "smtp_forward.ini": "host=127.0.0.1\nport={sink}\n",
    "host_list": "sink.test\n",
    "loglevel": "ERROR\n",
    "databytes": "60000000\n",
    "me": "mx.sink.test\n",
    "dkim.ini": "[sign]\nenabled=false\n[verify]\nenabled=true\n",
}
# It checks no client of a private network, and all of ours are on loopback.
PUBLIC = "exports.hook_connect_init = (next, c) => { c.set('remote.is_private', false); next(); };"
