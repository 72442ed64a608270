"""The filter language: one line that says which transactions to see.

The same text filters live rows (:meth:`Filter.matches`), history
(:func:`monitor.filter.sql.to_sql`), exports and ``mxtap events --filter``, with the same
answer from all of them.

====================  ==================================================================
``word`` ``"a b"``    the text is in the client's address, PTR name or EHLO name, the
                      reverse-path, a recipient, From, Subject, Message-ID, the
                      verdict's reply or a finding's code
``from:`` ``to:``     reverse-path; any recipient (``from:<>`` is the null reverse-path)
``author:``           the address in the message's From field
``subject:``          the Subject field
``helo:`` ``name:``   the EHLO or HELO argument; the client's PTR name
``reply:``            the text of the verdict's reply
``ip:``               an address or network: ``ip:192.0.2.7``, ``ip:2001:db8::/32``
``id:``               a transaction or session by its whole id
``finding:``          a finding of this code (``finding:retry.too-soon``), or of this family
                      (``finding:retry``, ``finding:retry.*``)
``spf:`` ``dkim:``    short for ``finding:spf.…``: ``spf:fail``, ``dkim:none``; so are
                      ``dmarc:`` and ``arc:``
``sev``               the worst finding's severity: ``sev>=warning``, ``sev:error``,
                      ``sev:none`` without findings; good < info < notice < warning < error
``tls:``              ``tls:none``, ``tls:any``, or text in the protocol or cipher
``code``              the verdict's reply code: ``code:5xx``, ``code:550``, ``code>=400``
``phase:`` ``by:``    where the verdict fell (connect ehlo mail rcpt data eod), and who
                      gave it (upstream mxtap)
``age``               time since the transaction ended: ``age<2h``; units s m h d w
``size``              octets of the message: ``size>1M``; units k M G (powers of 1024)
====================  ==================================================================

Terms side by side must all hold; ``and``, ``or``, ``not`` and parentheses combine them:
``not`` binds tightest, ``or`` loosest. An empty filter matches everything.

A text value is contained anywhere in the field; with ``*``, which stands for any run of
characters, it is the whole field; with ``=`` in place of ``:`` too, and ``*`` is then an
asterisk; so is ``<…>`` for an address, ``from:<a@b.example>``. In double quotes nothing
is special but ``\\"`` and ``\\\\``. The case of ASCII letters does not matter, that of others
does. What a record does not have (the size where there was no message) matches nothing, and
``not`` makes that a match. A filter is bounded (:data:`MAX_LENGTH` characters, ``MAX_DEPTH``
levels), and the time that it takes is linear in the length of the record.
"""

from monitor.filter.complete import complete, replace
from monitor.filter.errors import FilterError
from monitor.filter.nodes import ip_key
from monitor.filter.parser import MAX_DEPTH, MAX_LENGTH, Filter, parse

__all__ = [
    "MAX_DEPTH",
    "MAX_LENGTH",
    "Filter",
    "FilterError",
    "complete",
    "ip_key",
    "parse",
    "replace",
]
