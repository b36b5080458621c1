"""What people write in many languages: stop, later, away, and answers that only look like it."""

import tomllib
from datetime import UTC, datetime
from importlib import resources

import pytest

from inboxagent.mail import languages
from inboxagent.mail.classify import Kind, Verdict, classify
from inboxagent.mail.inbound import parse

NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)  # a Tuesday


def judge(text: str, *fields: str) -> Verdict:
    head = [
        "From: Nils <nils@kontor.example>",
        "Subject: Re: Offer",
        "In-Reply-To: <m1@lind.example>",
    ]
    head += [*fields, "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
    return classify(parse(("\r\n".join(head) + "\r\n\r\n" + text + "\r\n").encode()), now=NOW)


STOP = [
    "Unsubscribe",
    "stop!",
    "Please take me off your list.",
    "Kindly remove my address from your database.",
    "Hi Maya, please stop emailing me. Thanks, Nils",
    "Do not contact me again.",
    "I no longer wish to receive these mails.",
    "Stopp",
    "Bitte streichen Sie mich aus Ihrem Verteiler.",
    "Ich möchte keine weiteren E-Mails erhalten.",
    "Bitte löschen Sie meine Daten.",
    "Nehmen Sie mich bitte von der Liste.",
    "Désinscription",
    "Merci de me retirer de votre liste.",
    "Je ne souhaite plus recevoir vos messages.",
    "Veuillez supprimer mon adresse de vos fichiers.",
    "Baja",
    "Por favor, elimíneme de su lista.",
    "No deseo recibir más correos.",
    "Deje de enviarme mensajes.",
    "Cancellatemi",
    "Non desidero ricevere altre email.",
    "Vi prego di cancellare il mio indirizzo.",
    "Afmelden",
    "Haal mij van uw lijst.",
    "Ik wil geen mails meer ontvangen.",
    "Wilt u mijn gegevens verwijderen?",
    "Remover",
    "Por favor, retire-me da sua lista.",
    "Não quero receber mais e-mails.",
    "Proszę mnie wypisać z listy.",
    "Nie chcę otrzymywać takich wiadomości.",
    "Avregistrera mig, tack.",
    "Jag vill inte ha fler mejl från er.",
    "Fjern mig fra jeres liste.",
    "Jeg ønsker ikke flere mails.",
    "Vennligst fjern meg fra listen.",
    "Älkää lähettäkö enää viestejä.",
    "Prosím odhlaste mě.",
    "Už mi prosím nepište.",
    "Kérem, ne küldjenek több e-mailt.",
    "Vă rog să-mi ștergeți adresa din baza de date.",
    "Σταματήστε να μου στέλνετε email.",
    "Bana bir daha mail atmayın.",
    "Больше мне не пишите.",
    "Удалите мой адрес из базы.",
    "Більше мені не пишіть.",
    "配信停止をお願いします。",
    "退订",
    "请把我从名单中删除。",
    "수신거부",
    "메일 그만 보내 주세요.",
    "أرجو إزالة عنواني من القائمة البريدية.",
    "אנא הסירו אותי מרשימת התפוצה.",
    "Berhenti berlangganan",
    "Vui lòng đừng gửi email cho tôi nữa.",
    "Моля, отпишете ме.",
    "Kindly take us off your distribution list.",
    "I'd prefer not to get these emails anymore.",
    "Could you please remove this email address from your system?",
    "No more messages please.",
    "Bitte keine Mails mehr.",
    "Ich möchte von Ihnen nicht mehr angeschrieben werden.",
    "Streichen Sie mich bitte von der Empfängerliste.",
    "Bitte unterlassen Sie weitere Zusendungen.",
    "Ne m'envoyez plus rien, s'il vous plaît.",
    "Je ne veux plus de vos messages.",
    "Supprimez-moi de votre base de données.",
    "Je souhaite ne plus être sollicité.",
    "No me manden más correos.",
    "Quítenme de la lista.",
    "Solicito la eliminación de mis datos.",
    "No quiero que me contacten más.",
    "Parem de me mandar e-mails.",
    "Tirem-me desta lista, por favor.",
    "Não desejo mais ser contactado.",
    "Basta email, grazie.",
    "Toglietemi dalla mailing list.",
    "Non voglio più essere contattato.",
    "Ik wens geen berichten meer te ontvangen.",
    "Haal me van de mailinglijst af.",
    "Mail mij niet meer.",
    "Proszę mnie usunąć z bazy mailingowej.",
    "Nie życzę sobie dalszej korespondencji.",
    "Ta bort mig från utskicken.",
    "Jag vill inte få fler mejl.",
    "Sluta höra av er.",
    "Fjern min adresse fra jeres liste, tak.",
    "Jeg vil ikke have flere mails fra jer.",
    "Ta meg av listen.",
    "Ikke kontakt meg igjen.",
    "En halua enää viestejänne.",
    "Poistakaa osoitteeni rekisteristänne.",
    "Vymažte mě ze seznamu.",
    "Nepřeji si dostávat další zprávy.",
    "Töröljék az e-mail címemet.",
    "Nem kérek több levelet.",
    "Nu mai doresc să primesc mesaje.",
    "Ștergeți-mă din baza de date.",
    "Δεν θέλω να λαμβάνω άλλα μηνύματα.",
    "Αφαιρέστε με από τη λίστα.",
    "Beni listenizden silin.",
    "Artık e-posta almak istemiyorum.",
    "Уберите меня из списка рассылки.",
    "Не хочу больше получать ваши письма.",
    "Приберіть мене зі списку.",
    "Не хочу отримувати ваші листи.",
    "今後メールは不要です。",
    "リストから外してください。",
    "别再发邮件了。",
    "我不想再收到你们的邮件。",
    "더는 연락하지 말아 주세요.",
    "메일 받고 싶지 않습니다.",
    "لا أرغب في تلقي رسائلكم.",
    "احذفوا عنواني من فضلكم.",
    "אני לא מעוניין לקבל מכם מיילים.",
    "תורידו אותי מהרשימה.",
]

LATER = [
    ("Not right now. Please check back in September.", "2026-09-01"),
    ("Now is a bad time, try me again in two months.", "2026-05-03"),
    ("Let's talk again in Q3.", "2026-07-01"),
    ("Not this year. Contact me again next year.", "2027-01-08"),
    ("Im Moment nicht, melden Sie sich im Herbst noch einmal.", "2026-09-01"),
    ("Bitte kommen Sie in sechs Wochen wieder auf mich zu.", "2026-04-14"),
    ("Pas maintenant, recontactez-moi en juin.", "2026-06-01"),
    ("Ce n'est pas le moment. Pouvez-vous me rappeler dans trois mois ?", "2026-06-03"),
    ("Ahora no, escríbame después del verano.", "2026-09-01"),
    ("Ora non possiamo, per ora no: risentiamoci dopo l'estate.", "2026-09-01"),
    ("Op dit moment niet, neem in mei weer contact op.", "2026-05-01"),
    ("Neste momento não, volte a contactar em outubro.", "2026-10-01"),
    ("Teraz nie, proszę odezwać się w maju.", "2026-05-01"),
    ("Inte just nu, hör av dig i augusti.", "2026-08-01"),
    ("Ikke lige nu, kontakt mig igen efter sommerferien.", "2026-09-01"),
    ("Ikke nå, ta kontakt igjen om to måneder.", "2026-05-03"),
    ("Ei juuri nyt, ota yhteyttä kolmen kuukauden päästä.", "2026-06-03"),
    ("Teď ne, ozvěte se v září.", "2026-09-01"),
    ("Most nem aktuális, keressen őszön, szeptemberben.", "2026-09-01"),
    ("Nu acum, reveniți peste două luni.", "2026-05-03"),
    ("Сейчас не до этого, напишите через два месяца.", "2026-05-03"),
    ("Зараз не на часі, напишіть восени.", "2026-09-01"),
    ("Şimdi değil, eylülde tekrar yazın.", "2026-09-01"),
    ("今は必要ありませんが、10月に再度ご連絡ください。", "2026-10-01"),
    ("目前不需要,请六个月后再联系我。", "2026-09-03"),
    ("지금은 어렵습니다. 가을에 다시 연락 주세요.", "2026-09-01"),
]

AWAY = [
    ("I am out of the office until Friday 13 March.", "2026-03-14"),
    ("I'm on annual leave and will return to the office on Monday 23rd March.", "2026-03-23"),
    ("Thank you for your message. I am away from 1st to 20th March.", "2026-03-21"),
    ("Ich bin vom 2.3. bis 20.3.2026 nicht im Büro.", "2026-03-21"),
    ("Ab dem 23. März bin ich wieder erreichbar.", "2026-03-23"),
    ("Je suis en congés jusqu'au 20 mars inclus.", "2026-03-21"),
    ("Je serai de retour au bureau le 23 mars.", "2026-03-23"),
    ("Estoy fuera de la oficina. Vuelvo el 23 de marzo.", "2026-03-23"),
    ("Sarò assente fino al 20 marzo.", "2026-03-21"),
    ("Ik ben op vakantie en maandag 23 maart weer terug.", "2026-03-23"),
    ("Estou de férias até 20 de março.", "2026-03-21"),
    ("Jestem na urlopie do 20 marca.", "2026-03-21"),
    ("Jag är på semester och är tillbaka den 23 mars.", "2026-03-23"),
    ("Jeg er på ferie til og med 20. marts.", "2026-03-21"),
    ("Jeg er tilbake på kontoret mandag 23. mars.", "2026-03-23"),
    ("Olen lomalla 20.3. asti.", "2026-03-21"),
    ("Jsem na dovolené, vrátím se 23. března.", "2026-03-23"),
    ("Szabadságon vagyok, március 23-án térek vissza.", "2026-03-23"),
    ("Sunt în concediu până pe 20 martie.", "2026-03-21"),
    ("Я в отпуске до 20 марта.", "2026-03-21"),
    ("Θα λείπω έως τις 20 Μαρτίου.", "2026-03-21"),
    ("20 Mart'a kadar izindeyim.", "2026-03-21"),
    ("3月20日まで休暇をいただいております。", "2026-03-21"),
    ("我正在休假,3月23日回来上班。", "2026-03-23"),
    ("3월 20일까지 휴가입니다.", "2026-03-21"),
    ("أنا في إجازة وسأعود في 23 مارس.", "2026-03-23"),
]

HUMAN = [
    "I'll stop by on Tuesday.",
    "Let's not stop here.",
    "Please don't stop sending me the figures.",
    "I was out of office last week, sorry.",
    "Your mail was undeliverable last time, so I write again.",
    "Is this an automated message?",
    "Call me back tomorrow.",
    "We talked about this in May.",
    "Can you remove the second item from the list of options?",
    "Not now, I mean the other offer: what does it cost?",
    "Ich war letzte Woche im Urlaub.",
    "Können wir am Freitag sprechen?",
    "Bitte streichen Sie Punkt 3 aus dem Angebot.",
    "Ich melde mich nächste Woche.",
    "Le deuxième point de votre liste me plaît.",
    "J'étais en congés, désolé du retard.",
    "¿Podemos hablar el jueves?",
    "Ci sentiamo domani alle 15.00.",
    "Ik was op vakantie, sorry voor de late reactie.",
    "Był Pan na urlopie?",
    "Jag återkommer i morgon.",
    "Меня не было, был в отпуске. Давайте завтра.",
    "先週は休暇を頂いておりました。",
    "我们下周讨论。",
    "I haven't been getting your emails any more, please check the address.",
    "We would rather not get these parts delivered before Friday.",
    "Please take item 4 off the list, the rest is fine.",
    "Please remove Jim from the list of attendees and add me.",
    "Don't stop, I like what you're doing.",
    "Ich wurde seitdem nicht mehr kontaktiert, bitte rufen Sie mich an.",
    "Bitte nehmen Sie Position 4 aus der Liste, der Rest passt.",
    "Wir haben keine Nachrichten mehr von Ihnen bekommen, ist etwas passiert?",
    "Je n'ai plus reçu vos messages, tout va bien ?",
    "Merci de supprimer la ligne 4 du devis.",
    "No quiero mandar el contrato por correo, prefiero en mano.",
    "Quiten por favor la posición 4 de la oferta.",
    "Tirem por favor o item 4 da proposta.",
    "Não recebi mais os seus e-mails, aconteceu algo?",
    "Togliete la voce 4 dal preventivo, per il resto va bene.",
    "Haal punt 4 van de offerte, de rest is goed.",
    "Proszę usunąć punkt 4 z oferty.",
    "Skicka mig inte avtalet än, vi väntar på juristen.",
    "Send mig ikke kontrakten endnu, vi venter på juristen.",
    "Ikke kontakt leverandøren før vi har snakket sammen.",
    "Poistakaa rivi 4 tarjouksesta.",
    "Vymažte prosím bod 4 z nabídky.",
    "Уберите, пожалуйста, пункт 4 из сметы.",
    "Мы перестали получать ваши письма, проверьте адрес.",
    "Приберіть, будь ласка, пункт 4 з кошторису.",
    "見積書の4番目の項目を外してください。",
    "契約書はまだ送らないでください。来週確認します。",
    "请把第四项从报价中删除,其余没问题。",
    "先不要发合同,我们下周确认。",
    "견적에서 4번 항목을 빼 주세요.",
    "계약서는 아직 보내지 말아 주세요. 다음 주에 확인하겠습니다.",
    "يرجى حذف البند الرابع من العرض.",
    "תורידו בבקשה את סעיף 4 מההצעה.",
    "Teklifteki 4. maddeyi silin lütfen.",
    "Αφαιρέστε το σημείο 4 από την προσφορά.",
    "Kérem, törölje a 4. tételt az ajánlatból.",
    "Ștergeți vă rog punctul 4 din ofertă.",
]


@pytest.mark.parametrize("text", STOP)
def test_a_plain_request_to_stop(text):
    assert judge(text).kind is Kind.UNSUBSCRIBE


@pytest.mark.parametrize(("text", "day"), LATER)
def test_not_now_and_from_when_on(text, day):
    verdict = judge(text)
    assert (verdict.kind, str(verdict.contact_after)) == (Kind.NOT_NOW, day)


@pytest.mark.parametrize(("text", "day"), AWAY)
def test_away_and_the_first_day_back(text, day):
    verdict = judge(text, "Auto-Submitted: auto-replied")
    assert (verdict.kind, str(verdict.return_date)) == (Kind.AUTO_REPLY, day)


@pytest.mark.parametrize("text", HUMAN)
def test_answers_that_only_sound_like_it(text):
    assert judge(text).kind is Kind.REPLY


def test_the_files_of_languages_are_toml_and_complete_where_counting_matters():
    folder = resources.files(languages)
    for pack in languages.packs():
        table = tomllib.loads((folder / f"{pack.code}.toml").read_text("utf-8"))
        assert {name: tuple(value) for name, value in table.items() if name != "order"} == dict(pack.lists)
        for subject, number in {"months": 12, "weekdays": 7, "numbers": 12, "seasons": 4, "ordinals": 4}.items():
            assert len(pack.words(subject)) in (0, number), (pack.code, subject)


@pytest.mark.parametrize("text", ["name = 3", 'order = "xyz"', "phrases = [1]", 'a = ["x"]\na = ["y"]'])
def test_a_language_file_that_is_wrong_is_refused(text):
    with pytest.raises(ValueError):
        languages.read("xx", text)
