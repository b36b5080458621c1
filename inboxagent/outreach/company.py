"""Which company an address belongs to: its domain, unless the whole world has mailboxes there."""

# Providers of private mailboxes. A name with a dot in front stands for every country's domain of that name.
_PUBLIC = frozenset(
    """
    gmail.com googlemail.com .yahoo .ymail rocketmail.com .hotmail .outlook .live msn.com passport.com
    icloud.com me.com mac.com aol.com aim.com .gmx web.de freenet.de t-online.de arcor.de online.de mail.de posteo.de
    mailbox.org proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tuta.com tuta.io fastmail.com
    fastmail.fm hey.com zoho.com zohomail.com zohomail.eu mail.com email.com usa.com inbox.com hushmail.com
    yandex.ru yandex.com ya.ru mail.ru bk.ru inbox.ru list.ru rambler.ru ukr.net i.ua
    orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr bbox.fr libero.it virgilio.it tin.it alice.it tiscali.it
    tim.it telefonica.net terra.es sapo.pt bluewin.ch hispeed.ch sunrise.ch aon.at chello.at a1.net
    ziggo.nl kpnmail.nl planet.nl home.nl xs4all.nl telenet.be skynet.be telia.com comhem.se bredband.net spray.se
    online.no broadpark.no mail.dk stofanet.dk wp.pl o2.pl onet.pl op.pl interia.pl seznam.cz email.cz centrum.cz
    centrum.sk azet.sk freemail.hu citromail.hu abv.bg mail.bg btinternet.com btopenworld.com virginmedia.com
    ntlworld.com talktalk.net sky.com blueyonder.co.uk comcast.net verizon.net att.net sbcglobal.net bellsouth.net
    cox.net charter.net earthlink.net juno.com optonline.net rogers.com shaw.ca sympatico.ca telus.net videotron.ca
    bigpond.com bigpond.net.au optusnet.com.au xtra.co.nz uol.com.br bol.com.br terra.com.br ig.com.br
    qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com aliyun.com naver.com daum.net hanmail.net
    nate.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp nifty.com rediffmail.com walla.co.il walla.com
    """.split()  # noqa: SIM905 a list of quoted words is no better to read
)


def company(address: str) -> str | None:
    """The domain as a company's name, lower-case; None for public mail providers and for what is no address."""
    local, _, domain = address.lower().rpartition("@")
    domain = domain.rstrip(".")
    if not local or not domain or domain in _PUBLIC or "." + domain.partition(".")[0] in _PUBLIC:
        return None
    return domain
