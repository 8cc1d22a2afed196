//! Why a message is refused, by name: what integrators get wrong, how it looks, and what mends it. `kdp explain` prints it.

use super::{table, text_and_remedy};

table! {
    /// A cause that is recognised in a message.
    pub enum Cause: Row {
        TooLarge { code: "too-large",
            kk: ["Хабарлама рұқсат етілген көлемнен үлкен.", "Хабарламаны кішірейтіңіз: КДП-ға құжаттар емес, сұрау салу ғана жіберіледі."],
            ru: ["Сообщение больше допустимого размера.", "Уменьшите сообщение: в КДП передаётся запрос, а не документы."],
            en: ["The message is larger than is allowed.", "Make it smaller: КДП takes a request, not documents."],
        }
        Utf16 { code: "utf-16",
            kk: ["Хабарлама UTF-16 кодтауында.", "XML-ді UTF-8 кодтауында жазып, қайта қол қойыңыз."],
            ru: ["Сообщение в кодировке UTF-16.", "Запишите XML в UTF-8 и подпишите заново."],
            en: ["The message is in UTF-16.", "Write the XML in UTF-8 and sign it anew."],
        }
        Encoding { code: "encoding",
            kk: ["Жарияланған кодтау UTF-8 емес (мысалы windows-1251).", "Декларацияда да, байттарда да UTF-8 қолданып, қайта қол қойыңыз."],
            ru: ["Объявлена не UTF-8, а другая кодировка (например windows-1251).", "Используйте UTF-8 и в объявлении, и в байтах; подпишите заново."],
            en: ["Another encoding than UTF-8 is declared (windows-1251, for example).", "Use UTF-8 in the declaration and in the bytes, and sign anew."],
        }
        NotUtf8 { code: "not-utf-8",
            kk: ["Байттар UTF-8 емес: мәтін, сірә, windows-1251 түрінде жазылған.", "Жіберер алдында мәтінді UTF-8-ге ауыстырып, қайта қол қойыңыз."],
            ru: ["Байты — не UTF-8: текст, вероятно, записан в windows-1251.", "Переведите текст в UTF-8 до подписания и подпишите заново."],
            en: ["The bytes are not UTF-8: the text was written in windows-1251, perhaps.", "Write the text in UTF-8 before signing, and sign anew."],
        }
        Doctype { code: "doctype",
            kk: ["Хабарламада DTD (DOCTYPE) бар.", "DOCTYPE мен сущностьтарды алып тастап, қайта қол қойыңыз."],
            ru: ["В сообщении есть DTD (DOCTYPE).", "Уберите DOCTYPE и сущности, подпишите заново."],
            en: ["The message holds a DTD (DOCTYPE).", "Remove DOCTYPE and entities, and sign anew."],
        }
        XmlLimits { code: "xml-limits",
            kk: ["XML рұқсат етілгеннен тереңірек немесе кеңірек.", "Артық элементтер мен атрибуттарды алып тастаңыз."],
            ru: ["XML глубже или шире допустимого.", "Уберите лишние элементы и атрибуты."],
            en: ["The XML is deeper or wider than is allowed.", "Remove elements and attributes that are not needed."],
        }
        NotXml { code: "not-xml",
            kk: ["Хабарлама дұрыс құрылған XML емес.", "Көрсетілген жол мен бағанды түзетіңіз; хабарламаны мәтін ретінде біріктірмей, XML құралымен жазыңыз."],
            ru: ["Сообщение не является правильно построенным XML.", "Исправьте указанные строку и столбец; пишите сообщение средствами XML, а не склейкой строк."],
            en: ["The message is not well-formed XML.", "Mend the line and column that are named; write messages by an XML library, not by joining strings."],
        }
        Soap12 { code: "soap-version",
            kk: ["Конверт SOAP 1.1 аттар кеңістігінде емес (мысалы SOAP 1.2).", "SOAP 1.1 қолданыңыз: http://schemas.xmlsoap.org/soap/envelope/."],
            ru: ["Конверт не в пространстве имён SOAP 1.1 (например SOAP 1.2).", "Используйте SOAP 1.1: http://schemas.xmlsoap.org/soap/envelope/."],
            en: ["The envelope is not in the namespace of SOAP 1.1 (SOAP 1.2, for example).", "Use SOAP 1.1: http://schemas.xmlsoap.org/soap/envelope/."],
        }
        NoEnvelope { code: "no-envelope",
            kk: ["Түбір элемент SOAP конверті емес.", "Шақыруды Envelope және Body ішіне салыңыз."],
            ru: ["Корневой элемент — не конверт SOAP.", "Вложите вызов в Envelope и Body."],
            en: ["The root element is no SOAP envelope.", "Put the call into Envelope and Body."],
        }
        HeaderNotUnderstood { code: "header-not-understood",
            kk: ["mustUnderstand=\"1\" белгісі бар тақырып түсініксіз немесе мәні 0 мен 1-ден өзге.", "wsse:Security тақырыбынан басқасына mustUnderstand қоймаңыз; мәні 0 не 1."],
            ru: ["Заголовок с mustUnderstand=\"1\" не понят, или значение не 0 и не 1.", "Не ставьте mustUnderstand ничему, кроме wsse:Security; значение — 0 или 1."],
            en: ["A header with mustUnderstand=\"1\" is not understood, or the value is neither 0 nor 1.", "Set mustUnderstand on wsse:Security alone, as 0 or 1."],
        }
        Instruction { code: "instruction",
            kk: ["Хабарламада XML өңдеу нұсқауы бар.", "<?…?> нұсқауларын алып тастап, қайта қол қойыңыз."],
            ru: ["В сообщении есть инструкция обработки XML.", "Уберите инструкции <?…?> и подпишите заново."],
            en: ["The message holds a processing instruction.", "Remove <?…?> and sign anew."],
        }
        CommentInText { code: "comment-in-text",
            kk: ["Элемент мәтінінің ішінде түсініктеме тұр.", "Түсініктемелерді алып тастап, қайта қол қойыңыз."],
            ru: ["Внутри текста элемента стоит комментарий.", "Уберите комментарии и подпишите заново."],
            en: ["A comment stands inside the text of an element.", "Remove comments and sign anew."],
        }
        EnvelopeOrder { code: "envelope-order",
            kk: ["Конверттегі элементтердің реті бұзылған: алдымен бір Header, содан кейін бір Body болуы керек.", "Body-ді соңғы элемент етіп, оның айналасындағы артықты алып тастаңыз."],
            ru: ["Нарушен порядок в конверте: сначала один Header, затем один Body, и больше ничего.", "Сделайте Body последним элементом и уберите лишнее рядом с ним."],
            en: ["The order in the envelope is wrong: one Header, then one Body, and nothing else.", "Let Body be the last element, and remove what stands beside it."],
        }
        StrayText { code: "stray-text",
            kk: ["Тек элементтер тұруы керек жерде мәтін бар.", "Элементтер арасындағы мәтінді алып тастаңыз."],
            ru: ["Текст стоит там, где могут быть только элементы.", "Уберите текст между элементами."],
            en: ["Text stands where only elements may.", "Remove the text between the elements."],
        }
        Unsigned { code: "unsigned",
            kk: ["Конвертте қолтаңба жоқ: wsse:Security ішінде ds:Signature табылмады.", "Header ішіне wsse:Security, оның ішіне тікелей ds:Signature салыңыз; қолтаңбаны аралық жүйе алып тастамағанын тексеріңіз."],
            ru: ["Конверт не подписан: в wsse:Security нет ds:Signature.", "Поместите в Header wsse:Security и прямо в него ds:Signature; проверьте, не удаляет ли подпись промежуточная система."],
            en: ["The envelope is not signed: there is no ds:Signature in wsse:Security.", "Put wsse:Security into the Header, and ds:Signature directly into it; look whether a system in between removes it."],
        }
        SignatureMisplaced { code: "signature-misplaced",
            kk: ["Қолтаңба бар, бірақ өз орнында емес: ол Header › wsse:Security ішінде тікелей тұруы керек.", "ds:Signature элементін wsse:Security ішіне (OASIS 2004 аттар кеңістігі) тікелей көшіріңіз."],
            ru: ["Подпись есть, но не на месте: она должна стоять прямо в Header › wsse:Security.", "Перенесите ds:Signature непосредственно в wsse:Security (пространство имён OASIS 2004)."],
            en: ["There is a signature, but in the wrong place: it must be a child of Header › wsse:Security.", "Move ds:Signature directly into wsse:Security (the OASIS namespace of 2004)."],
        }
        SeveralSignatures { code: "not-one",
            kk: ["Біреу болуы керек қолтаңба элементі бірнеше рет кездеседі.", "Бір Security, бір Signature, бір Reference қалдырыңыз: екінші рет қол қоймаңыз."],
            ru: ["Элемент подписи, который должен быть один, встречается несколько раз.", "Оставьте один Security, одну Signature и один Reference: не подписывайте повторно."],
            en: ["An element of the signature that must be one stands there several times.", "Keep one Security, one Signature, one Reference: do not sign twice."],
        }
        SignatureIncomplete { code: "signature-incomplete",
            kk: ["Қолтаңбаның бір элементі жоқ немесе орнында емес.", "Қолтаңбаны WS-Security үлгісімен салыстырыңыз: SignedInfo, SignatureValue, KeyInfo."],
            ru: ["Элемент подписи отсутствует или стоит не на месте.", "Сверьте подпись с профилем WS-Security: SignedInfo, SignatureValue, KeyInfo."],
            en: ["An element of the signature is missing or misplaced.", "Hold the signature against the WS-Security profile: SignedInfo, SignatureValue, KeyInfo."],
        }
        Sha1 { code: "sha-1",
            kk: ["SHA-1 қолданылған: ол қабылданбайды.", "SignatureMethod ретінде rsa-sha256, DigestMethod ретінде xmlenc#sha256 (немесе ГОСТ) қойыңыз."],
            ru: ["Использован SHA-1: он не принимается.", "Укажите SignatureMethod rsa-sha256 и DigestMethod xmlenc#sha256 (или ГОСТ)."],
            en: ["SHA-1 is used, which is not accepted.", "Use the SignatureMethod rsa-sha256 and the DigestMethod xmlenc#sha256 (or ГОСТ)."],
        }
        Hmac { code: "hmac",
            kk: ["HMAC қолданылған: ортақ құпия қолтаңба емес.", "ЭЦҚ кілтімен қол қойыңыз: RSA-SHA256 немесе ГОСТ."],
            ru: ["Использован HMAC: общий секрет — не подпись.", "Подпишите ключом ЭЦП: RSA-SHA256 или ГОСТ."],
            en: ["HMAC is used: a shared secret is no signature.", "Sign with a key of the electronic signature: RSA-SHA256 or ГОСТ."],
        }
        Algorithm { code: "algorithm",
            kk: ["Қолтаңба немесе дайджест алгоритмі қабылданбайды.", "RSA-SHA256 пен SHA-256-ны немесе екі ГОСТ-тың бірін өз дайджестімен қолданыңыз."],
            ru: ["Алгоритм подписи или дайджеста не принимается.", "Используйте RSA-SHA256 с SHA-256 или один из двух ГОСТ с его дайджестом."],
            en: ["The algorithm of signature or digest is not accepted.", "Use RSA-SHA256 with SHA-256, or one of the two of ГОСТ with its own digest."],
        }
        Canonicalization { code: "canonicalization",
            kk: ["SignedInfo үшін exclusive C14N емес, басқа канондау көрсетілген.", "CanonicalizationMethod: http://www.w3.org/2001/10/xml-exc-c14n#, түсініктемесіз."],
            ru: ["Для SignedInfo указана не exclusive C14N, а другая канонизация.", "CanonicalizationMethod: http://www.w3.org/2001/10/xml-exc-c14n#, без комментариев."],
            en: ["Another canonicalisation than exclusive C14N is named for SignedInfo.", "CanonicalizationMethod: http://www.w3.org/2001/10/xml-exc-c14n#, without comments."],
        }
        Transforms { code: "transforms",
            kk: ["Түрлендірулер дәл біреу — түсініктемесіз exclusive C14N — болуы керек.", "Reference ішінде бір Transform қалдырыңыз: http://www.w3.org/2001/10/xml-exc-c14n#."],
            ru: ["Преобразование должно быть ровно одно: exclusive C14N без комментариев.", "Оставьте в Reference один Transform: http://www.w3.org/2001/10/xml-exc-c14n#."],
            en: ["There must be exactly one transform: exclusive C14N without comments.", "Keep one Transform in the Reference: http://www.w3.org/2001/10/xml-exc-c14n#."],
        }
        ReferenceElsewhere { code: "reference-elsewhere",
            kk: ["Reference Body-ге емес, басқа нәрсеге сілтейді.", "URI мәні # және конверт Body элементінің wsu:Id мәні болуы керек."],
            ru: ["Reference указывает не на Body, а на другое.", "URI должен быть # и значением wsu:Id элемента Body этого конверта."],
            en: ["The Reference names something else than the Body.", "URI must be # and the wsu:Id of the Body of this envelope."],
        }
        BodyIdMissing { code: "body-id-missing",
            kk: ["Body элементінде Id жоқ.", "Қол қоймас бұрын Body-ге wsu:Id атрибутын қосыңыз."],
            ru: ["У Body нет Id.", "Добавьте Body атрибут wsu:Id до подписания."],
            en: ["The Body has no Id.", "Give the Body an attribute wsu:Id before you sign."],
        }
        BodyIdUnqualified { code: "body-id-unqualified",
            kk: ["Body идентификаторы аттар кеңістігінсіз жазылған (Id, wsu:Id емес).", "Атрибутты wsu:Id деп жазыңыз: wsu — oasis-200401-wss-wssecurity-utility-1.0.xsd."],
            ru: ["Идентификатор Body записан без пространства имён (Id вместо wsu:Id).", "Пишите атрибут как wsu:Id, где wsu — oasis-200401-wss-wssecurity-utility-1.0.xsd."],
            en: ["The id of the Body stands in no namespace (Id in place of wsu:Id).", "Write wsu:Id, with wsu bound to oasis-200401-wss-wssecurity-utility-1.0.xsd."],
        }
        BodyIdNamespace { code: "body-id-namespace",
            kk: ["Body идентификаторы басқа аттар кеңістігінде.", "wsu префиксін oasis-200401-wss-wssecurity-utility-1.0.xsd мәніне байлаңыз."],
            ru: ["Идентификатор Body в другом пространстве имён.", "Привяжите префикс wsu к oasis-200401-wss-wssecurity-utility-1.0.xsd."],
            en: ["The id of the Body stands in another namespace.", "Bind wsu to oasis-200401-wss-wssecurity-utility-1.0.xsd."],
        }
        IdTwice { code: "id-twice",
            kk: ["Сілтеме жасалған Id құжатта бірнеше рет кездеседі.", "Әр Id-ді бірегей етіп, қайта қол қойыңыз."],
            ru: ["Id, на который ссылается подпись, встречается в документе не один раз.", "Сделайте каждый Id уникальным и подпишите заново."],
            en: ["The id that is referenced stands in the document more than once.", "Make each id unique and sign anew."],
        }
        Base64 { code: "base64",
            kk: ["base64 мәні бұзылған.", "Стандартты base64 қолданыңыз (base64url емес), толықтыру = белгілерімен, HTML/URL экрандаусыз."],
            ru: ["Значение base64 повреждено.", "Используйте обычный base64 (не base64url), с дополнением =, без экранирования HTML или URL."],
            en: ["A base64 value is malformed.", "Use plain base64 (not base64url), padded by =, without HTML or URL escaping."],
        }
        CommentInSignature { code: "comment-in-signature",
            kk: ["Қолтаңба ішінде түсініктеме бар.", "ds:Signature ішіндегі түсініктемелерді алып тастаңыз."],
            ru: ["Внутри подписи стоит комментарий.", "Уберите комментарии из ds:Signature."],
            en: ["A comment stands inside the signature.", "Remove comments from ds:Signature."],
        }
        NotCanonical { code: "relative-namespace",
            kk: ["Канондық түрі жоқ: аттар кеңістігі салыстырмалы URI, немесе түрі тым үлкен.", "Аттар кеңістіктерін абсолютті URI-мен жариялаңыз."],
            ru: ["Канонической формы нет: пространство имён — относительный URI, или форма чрезмерно велика.", "Объявляйте пространства имён абсолютными URI."],
            en: ["There is no canonical form: a namespace is a relative URI, or the form is far too large.", "Declare namespaces by absolute URIs."],
        }
        CertificateAbsent { code: "certificate-absent",
            kk: ["Хабарламада сертификат жоқ, ал issuer мен serial бойынша тіркелген сертификат табылмады.", "Сертификатты сервис операторына тіркеңіз немесе оны KeyIdentifier ішінде жіберіңіз."],
            ru: ["Сертификата в сообщении нет, а по issuer и serial зарегистрированный не найден.", "Зарегистрируйте сертификат у оператора сервиса или передавайте его в KeyIdentifier."],
            en: ["The message holds no certificate, and none is registered under this issuer and serial number.", "Register the certificate with the operator of the service, or send it in KeyIdentifier."],
        }
        CertificateUnknown { code: "certificate-unknown",
            kk: ["Сертификат тіркелмеген және оны сенімді орталық бермеген.", "ҰКО берген сертификатпен қол қойыңыз немесе сертификатты тіркеңіз; тест пен өндірісті шатастырмаңыз."],
            ru: ["Сертификат не зарегистрирован и не выдан доверенным центром.", "Подпишите сертификатом НУЦ или зарегистрируйте свой; не путайте тестовый и промышленный."],
            en: ["The certificate is neither registered nor issued by a trusted authority.", "Sign with a certificate of НУЦ, or register yours; do not mix up test and production."],
        }
        CertificateMalformed { code: "certificate-malformed",
            kk: ["KeyInfo ішіндегі сертификат оқылмайды.", "Сертификатты DER түрінде, бір рет base64-пен, PEM тақырыптарынсыз салыңыз."],
            ru: ["Сертификат в KeyInfo не читается.", "Вложите сертификат как DER, один раз в base64, без заголовков PEM."],
            en: ["The certificate in KeyInfo cannot be read.", "Put it there as DER, in base64 once, without the lines of PEM."],
        }
        CertificateChain { code: "certificate-chain",
            kk: ["Сертификат сенімді орталықты атайды, бірақ оның кілтімен қол қойылмаған.", "ҰКО берген сертификатты өзгертусіз пайдаланыңыз."],
            ru: ["Сертификат называет доверенный центр, но подписан не его ключом.", "Используйте сертификат ровно таким, каким его выдал НУЦ."],
            en: ["The certificate names a trusted authority, but its key did not sign it.", "Use the certificate just as НУЦ issued it."],
        }
        CertificateExpired { code: "certificate-expired",
            kk: ["Сертификаттың мерзімі өткен.", "Жаңа сертификат алып, сонымен қол қойыңыз; тіркелген болса, жаңасын тіркеңіз."],
            ru: ["Срок сертификата истёк.", "Получите новый сертификат и подписывайте им; если он регистрируется, зарегистрируйте новый."],
            en: ["The certificate has expired.", "Obtain a new one and sign with it; where it is registered, register the new one."],
        }
        CertificateNotYet { code: "certificate-not-yet",
            kk: ["Сертификат әлі күшіне енген жоқ.", "Күшіне енген сертификатты пайдаланыңыз; сағатты тексеріңіз."],
            ru: ["Сертификат ещё не действует.", "Используйте действующий сертификат; проверьте часы."],
            en: ["The certificate is not valid yet.", "Use one that is in force; look at the clock."],
        }
        CertificateUsage { code: "certificate-usage",
            kk: ["Сертификат хабарламаға қол қоюға арналмаған.", "keyUsage мәнінде digitalSignature бар қол қою сертификатын алыңыз (AUTH не орталықтыкі емес)."],
            ru: ["Сертификат не предназначен для подписи сообщений.", "Возьмите сертификат подписи с digitalSignature в keyUsage (не AUTH и не сертификат центра)."],
            en: ["The certificate is not for signing messages.", "Take the signing certificate, with digitalSignature in keyUsage (not the one for logging in, nor an authority's)."],
        }
        CertificateRole { code: "certificate-role",
            kk: ["Сертификат иесі ұйым атынан сөйлей алмайды (жеке тұлға немесе қызметкер).", "Ұйымның ақпараттық жүйесінің немесе бірінші басшысының сертификатымен қол қойыңыз."],
            ru: ["Владелец сертификата не может говорить за организацию (физлицо или сотрудник).", "Подпишите сертификатом информационной системы организации или первого руководителя."],
            en: ["The holder of the certificate may not speak for the organisation (an individual, or an employee).", "Sign with the certificate of the organisation's information system, or of its head."],
        }
        CertificateNoBin { code: "certificate-no-bin",
            kk: ["Сертификатта БСН жоқ.", "Заңды тұлғаның сертификатын пайдаланыңыз: OU=BIN…"],
            ru: ["В сертификате нет БИН.", "Используйте сертификат юридического лица: OU=BIN…"],
            en: ["The certificate holds no BIN.", "Use a certificate of a legal entity: OU=BIN…"],
        }
        CertificateRevoked { code: "certificate-revoked",
            kk: ["Сертификат кері қайтарылған.", "Жаңа сертификат алып, сонымен қол қойыңыз."],
            ru: ["Сертификат отозван.", "Получите новый сертификат и подпишите им."],
            en: ["The certificate is revoked.", "Obtain a new certificate and sign with it."],
        }
        RevocationUnknown { code: "revocation-unknown",
            kk: ["Сертификаттың кері қайтарылған-қайтарылмағанын білу мүмкін емес: тізім жоқ немесе ескірген.", "Кейінірек қайталаңыз; оператор: `kdp check` тізімдердің күйін көрсетеді."],
            ru: ["Нельзя узнать, отозван ли сертификат: списка нет, или он устарел.", "Повторите позже; оператору: `kdp check` показывает состояние списков."],
            en: ["It cannot be found out whether the certificate is revoked: the list is missing or stale.", "Try again later; for the operator: `kdp check` shows the state of the lists."],
        }
        KeyMismatch { code: "key-mismatch",
            kk: ["Сертификат кілті SignatureMethod алгоритміне сай емес.", "RSA кілтімен rsa-sha256, ГОСТ кілтімен өз ГОСТ алгоритмін көрсетіңіз."],
            ru: ["Ключ сертификата не подходит к алгоритму SignatureMethod.", "Для ключа RSA указывайте rsa-sha256, для ключа ГОСТ — его ГОСТ."],
            en: ["The key of the certificate does not fit the SignatureMethod.", "Name rsa-sha256 with a key of RSA, and the own ГОСТ with a key of ГОСТ."],
        }
        KeyMalformed { code: "key-malformed",
            kk: ["Сертификаттың ашық кілті бұзылған.", "ҰКО берген сертификатты өзгертусіз пайдаланыңыз."],
            ru: ["Открытый ключ сертификата построен неверно.", "Используйте сертификат ровно таким, каким его выдал НУЦ."],
            en: ["The public key of the certificate is malformed.", "Use the certificate just as НУЦ issued it."],
        }
        OtherKey { code: "other-key",
            kk: ["Қолтаңба басқа тіркелген сертификаттың кілтімен жасалған: KeyInfo басқасын атайды.", "KeyInfo ішіне қол қойған кілттің сертификатын салыңыз."],
            ru: ["Подпись сделана ключом другого зарегистрированного сертификата, а KeyInfo называет не его.", "Укажите в KeyInfo сертификат того ключа, которым подписано."],
            en: ["The signature is by the key of another registered certificate than KeyInfo names.", "Name in KeyInfo the certificate of the key that signed."],
        }
        GostByteOrder { code: "gost-byte-order",
            kk: ["ГОСТ қолтаңбасының байттары кері ретпен жазылған.", "Алдымен r, содан кейін s, әрқайсысы кіші байттан басталсын (little-endian); RFC 9215 реті керісінше."],
            ru: ["Байты подписи ГОСТ записаны в обратном порядке.", "Пишите r, затем s, каждое с младшего байта (little-endian); порядок RFC 9215 обратный."],
            en: ["The bytes of the ГОСТ signature are in the reverse order.", "Write r, then s, each with its least significant byte first; RFC 9215 has the reverse."],
        }
        GostSBox { code: "gost-s-box",
            kk: ["ГОСТ 34.311-95 хэші басқа S-блокпен есептелген.", "Тест S-блогын (id-GostR3411-94-TestParamSet) қолданыңыз: ҰКО сонымен қол қояды."],
            ru: ["Хэш ГОСТ 34.311-95 вычислен с другим S-блоком.", "Используйте тестовый S-блок (id-GostR3411-94-TestParamSet): с ним подписывает НУЦ."],
            en: ["The hash of ГОСТ 34.311-95 was computed with another S-box.", "Use the test S-box (id-GostR3411-94-TestParamSet), with which НУЦ signs."],
        }
        GostCurve { code: "gost-curve",
            kk: ["ГОСТ кілті басқа қисықта немесе басқа параметрлермен.", "2004 үшін CryptoPro-A, 2015-512 үшін tc26-512-A параметрлерімен кілт алыңыз: ҰКО кілттері сондай."],
            ru: ["Ключ ГОСТ на другой кривой или с другими параметрами.", "Возьмите ключ с параметрами CryptoPro-A для 2004 и tc26-512-A для 2015-512, какие выдаёт НУЦ."],
            en: ["The ГОСТ key is on another curve, or has other parameters.", "Take a key of CryptoPro-A for 2004 and of tc26-512-A for 2015-512, as НУЦ issues them."],
        }
        GostLength { code: "gost-length",
            kk: ["ГОСТ қолтаңбасының ұзындығы немесе мәні дұрыс емес (ASN.1 орамы болуы мүмкін).", "Шикі r ‖ s жазыңыз: 2004 үшін 64 байт, 2015-512 үшін 128 байт."],
            ru: ["Длина или значение подписи ГОСТ неверны (возможна обёртка ASN.1).", "Пишите r ‖ s без обёртки: 64 байта для 2004 и 128 байт для 2015-512."],
            en: ["The ГОСТ signature has a wrong length or value (wrapped in ASN.1, perhaps).", "Write r ‖ s bare: 64 bytes for 2004 and 128 for 2015-512."],
        }
        SignedInfoReformatted { code: "signed-info-reformatted",
            kk: ["SignedInfo қол қойылғаннан кейін шегініспен қайта жазылған: бос орындарды алып тастаса, қолтаңба дұрыс.", "Қол қойылғаннан кейін XML-ді пішімдемеңіз (pretty-print)."],
            ru: ["SignedInfo переписан с отступами после подписания: без добавленных пробелов подпись верна.", "Не форматируйте XML (pretty-print) после подписания."],
            en: ["SignedInfo was indented after signing: without the added whitespace the signature holds.", "Do not format the XML (pretty-print) after signing."],
        }
        SignatureValue { code: "signature-value",
            kk: ["SignatureValue осы сертификат кілтімен SignedInfo-ға жасалған қолтаңба емес.", "Қол қойғаннан кейін SignedInfo-ны өзгертпеңіз; кілт пен сертификат бір жұп екенін тексеріңіз."],
            ru: ["SignatureValue — не подпись ключа этого сертификата под SignedInfo.", "Не меняйте SignedInfo после подписания; проверьте, что ключ и сертификат — пара."],
            en: ["SignatureValue is no signature of this certificate's key over SignedInfo.", "Do not change SignedInfo after signing; check that key and certificate are a pair."],
        }
        PrettyPrinted { code: "pretty-printed",
            kk: ["Body қол қойылғаннан кейін пішімделген: қосылған бос орындарды алып тастаса, дайджест сәйкес келеді.", "Алдымен пішімдеп, содан кейін қол қойыңыз; журнал мен прокси XML-ді қайта жазбасын."],
            ru: ["Body отформатирован после подписания: без добавленных пробелов дайджест совпадает.", "Сначала форматируйте, затем подписывайте; журналы и прокси не должны переписывать XML."],
            en: ["The Body was pretty-printed after signing: the digest matches without the added whitespace.", "Format first and sign then; let neither logs nor proxies write the XML anew."],
        }
        C14nInclusive { code: "c14n-inclusive",
            kk: ["Дайджест inclusive C14N 1.0 бойынша есептелген, ал exclusive көрсетілген немесе керек.", "Body дайджестін exclusive C14N бойынша есептеңіз."],
            ru: ["Дайджест вычислен по inclusive C14N 1.0, а нужна exclusive.", "Считайте дайджест Body по exclusive C14N."],
            en: ["The digest was computed by inclusive C14N 1.0, and exclusive is needed.", "Compute the digest of the Body by exclusive C14N."],
        }
        C14nComments { code: "c14n-comments",
            kk: ["Дайджест түсініктемелермен бірге есептелген (#WithComments).", "Түсініктемесіз exclusive C14N қолданыңыз немесе түсініктемелерді алып тастаңыз."],
            ru: ["Дайджест вычислен вместе с комментариями (#WithComments).", "Используйте exclusive C14N без комментариев или уберите комментарии."],
            en: ["The digest was computed with comments (#WithComments).", "Use exclusive C14N without comments, or remove the comments."],
        }
        C14n11 { code: "c14n-1-1",
            kk: ["C14N 1.1 қолданылған.", "Exclusive C14N 1.0 қолданыңыз: http://www.w3.org/2001/10/xml-exc-c14n#."],
            ru: ["Использована C14N 1.1.", "Используйте exclusive C14N 1.0: http://www.w3.org/2001/10/xml-exc-c14n#."],
            en: ["C14N 1.1 was used.", "Use exclusive C14N 1.0: http://www.w3.org/2001/10/xml-exc-c14n#."],
        }
        PrefixListIgnored { code: "prefix-list-ignored",
            kk: ["PrefixList жазылған, бірақ дайджест оны ескермей есептелген.", "InclusiveNamespaces-ті алып тастаңыз немесе оны есептеуде ескеріңіз."],
            ru: ["PrefixList указан, но дайджест вычислен без него.", "Уберите InclusiveNamespaces или учитывайте его при вычислении."],
            en: ["A PrefixList is named, but the digest was computed without it.", "Remove InclusiveNamespaces, or honour it when you compute."],
        }
        CrLost { code: "cr-lost",
            kk: ["Қол қойылғаннан кейін CR таңбалары жоғалған: CR LF қалпына келтірілсе, дайджест сәйкес келеді.", "Мәтіндегі CR-ді қол қоюдан бұрын алып тастаңыз немесе оны &#13; түрінде жіберіңіз."],
            ru: ["После подписания потеряны символы CR: с CR LF дайджест совпадает.", "Убирайте CR из текста до подписания или передавайте его как &#13;."],
            en: ["CR characters were lost after signing: with CR LF the digest matches.", "Remove CR from texts before signing, or send it as &#13;."],
        }
        CrDoubled { code: "cr-doubled",
            kk: ["Қол қойылғаннан кейін &#13; қосылған немесе екі еселенген: онсыз дайджест сәйкес келеді.", "Мәтіндегі CR-ді қол қоюдан бұрын алып тастаңыз; қол қойылған ағашты сол күйінде жазыңыз."],
            ru: ["После подписания добавлен или удвоен &#13;: без него дайджест совпадает.", "Убирайте CR из текста до подписания; записывайте подписанное дерево без изменений."],
            en: ["&#13; was added or doubled after signing: without it the digest matches.", "Remove CR from texts before signing; write the signed tree as it is."],
        }
        Mojibake { code: "mojibake",
            kk: ["Кириллица бұзылған: UTF-8 байттары басқа кодтаудағыдай оқылып, қайта жазылған.", "Барлық жерде UTF-8 көрсетіңіз: файл, жол, HTTP және дерекқорда."],
            ru: ["Кириллица испорчена: байты UTF-8 прочитаны в другой кодировке и записаны снова.", "Указывайте UTF-8 везде: в файле, в строках, в HTTP и в базе данных."],
            en: ["The Cyrillic is garbled: bytes of UTF-8 were read in another encoding and written again.", "Name UTF-8 everywhere: in files, strings, HTTP and the database."],
        }
        CyrillicLost { code: "cyrillic-lost",
            kk: ["Кириллица жоғалған: әріптердің орнында сұрақ белгілері тұр.", "Мәтінді ASCII немесе латын кодтауы арқылы өткізбеңіз; UTF-8 қолданып, қайта қол қойыңыз."],
            ru: ["Кириллица потеряна: на месте букв стоят вопросительные знаки.", "Не пропускайте текст через ASCII или латинскую кодировку; используйте UTF-8 и подпишите заново."],
            en: ["The Cyrillic is lost: question marks stand for letters.", "Do not pass text through ASCII or a Latin encoding; use UTF-8 and sign anew."],
        }
        DigestElsewhere { code: "digest-elsewhere",
            kk: ["Дайджест Body-дің емес, басқа элементтің дайджестіне тең.", "Дайджестті Body элементінің өзінен, тегімен бірге есептеңіз."],
            ru: ["Дайджест совпадает с дайджестом не Body, а другого элемента.", "Считайте дайджест самого элемента Body вместе с его тегом."],
            en: ["The digest is that of another element than the Body.", "Compute the digest of the element Body itself, with its tags."],
        }
        DigestHex { code: "digest-hex",
            kk: ["DigestValue он алтылық түрде жазылған.", "Дайджест байттарын base64-пен жазыңыз."],
            ru: ["DigestValue записан в шестнадцатеричном виде.", "Записывайте байты дайджеста в base64."],
            en: ["DigestValue is written in hexadecimal.", "Write the bytes of the digest in base64."],
        }
        BodyChanged { code: "body-changed",
            kk: ["Body қол қойылғаннан кейін өзгерген немесе дайджест басқа нәрседен есептелген.", "Қол қоюды соңғы қадам етіңіз; аралық жүйелер хабарламаны өзгертпейтінін тексеріңіз."],
            ru: ["Body изменён после подписания, или дайджест вычислен не от него.", "Подписывайте последним шагом; проверьте, что промежуточные системы не меняют сообщение."],
            en: ["The Body was changed after signing, or the digest was computed of something else.", "Let signing be the last step; check that no system in between changes the message."],
        }
        WrapperUnknown { code: "wrapper-unknown",
            kk: ["Body ішіндегі элемент сервис операциясы емес.", "Body ішіне SendMessage (SyncChannel v10) немесе sendMessageRequest (КДП) салыңыз."],
            ru: ["Элемент в Body — не операция сервиса.", "Поместите в Body SendMessage (SyncChannel v10) или sendMessageRequest (КДП)."],
            en: ["The element in Body is no operation of the service.", "Put SendMessage (SyncChannel v10) or sendMessageRequest (КДП) into Body."],
        }
        WrapperNamespace { code: "wrapper-namespace",
            kk: ["Операция аты дұрыс, бірақ аттар кеңістігі басқа.", "Мыналарды жазыңыз — SendMessage: http://bip.bee.kz/SyncChannel/v10/Types; sendMessageRequest: http://service.2fa-chain.kz/ns/kdp."],
            ru: ["Имя операции верно, но пространство имён другое.", "Пишите так — SendMessage: http://bip.bee.kz/SyncChannel/v10/Types; sendMessageRequest: http://service.2fa-chain.kz/ns/kdp."],
            en: ["The name of the operation is right, its namespace is not.", "Write SendMessage: http://bip.bee.kz/SyncChannel/v10/Types; sendMessageRequest: http://service.2fa-chain.kz/ns/kdp."],
        }
        ElementNamespace { code: "element-namespace",
            kk: ["Элемент басқа аттар кеңістігінде.", "request, requestInfo және олардың ішіндегілерді аттар кеңістігінсіз (немесе операциянікінде) жазыңыз; data ішінде бәрі бірдей болсын."],
            ru: ["Элемент в другом пространстве имён.", "Пишите request, requestInfo и вложенное без пространства имён (или в пространстве операции); внутри data оно одно для всех."],
            en: ["An element stands in another namespace.", "Write request, requestInfo and what is in them in no namespace (or the operation's); inside data all must agree."],
        }
        ElementMissing { code: "element-missing",
            kk: ["Міндетті элемент жоқ немесе бос.", "Аталған элементті схемаға сай толтырыңыз."],
            ru: ["Обязательный элемент отсутствует или пуст.", "Заполните названный элемент по схеме."],
            en: ["A mandatory element is missing or empty.", "Fill in the element that is named, as the schema says."],
        }
        ElementTwice { code: "element-twice",
            kk: ["Элемент екі рет берілген.", "Аталған элементті бір рет қалдырыңыз."],
            ru: ["Элемент указан дважды.", "Оставьте названный элемент один раз."],
            en: ["An element is given twice.", "Keep the element that is named once."],
        }
        ElementUnexpected { code: "element-unexpected",
            kk: ["Элемент бұл жерде күтілмейді: аты қате немесе орны басқа.", "Атын (әріп регистрін қоса) және орнын схемамен салыстырыңыз."],
            ru: ["Элемент здесь не ожидается: имя с ошибкой или не то место.", "Сверьте имя (с учётом регистра) и место со схемой."],
            en: ["The element is not expected here: its name is wrong, or its place.", "Hold its name, with case, and its place against the schema."],
        }
        MessageDate { code: "message-date",
            kk: ["messageDate xs:dateTime түрінде емес.", "2026-04-01T12:00:00.000+05:00 түрінде жазыңыз."],
            ru: ["messageDate не вида xs:dateTime.", "Пишите в виде 2026-04-01T12:00:00.000+05:00."],
            en: ["messageDate is no xs:dateTime.", "Write it as 2026-04-01T12:00:00.000+05:00."],
        }
        DataNotXml { code: "data-not-xml",
            kk: ["data ішіндегі мәтін XML емес.", "Жүктемені data балалары ретінде немесе бір рет экрандалған дұрыс XML ретінде беріңіз."],
            ru: ["Текст в data — не XML.", "Передавайте содержимое дочерними элементами data или правильным XML, экранированным один раз."],
            en: ["The text in data is no XML.", "Send the payload as children of data, or as well-formed XML that is escaped once."],
        }
        SenderUnknown { code: "sender-unknown",
            kk: ["Мұндай senderId тіркелмеген.", "senderId-ді тіркеу хатындағыдай, регистрін сақтап жазыңыз."],
            ru: ["Такой senderId не зарегистрирован.", "Пишите senderId точно как при регистрации, с учётом регистра."],
            en: ["No such senderId is registered.", "Write senderId just as it was registered, with its case."],
        }
        SecretMissing { code: "secret-missing",
            kk: ["Жіберушінің құпия сөзі немесе auth_token берілмеген.", "Тіркеуге сай sender/password немесе data ішінде auth_token беріңіз."],
            ru: ["Не передан пароль отправителя или auth_token.", "Передайте sender/password или auth_token в data, как указано при регистрации."],
            en: ["The password of the sender, or auth_token, is not given.", "Give sender/password, or auth_token in data, as it was registered."],
        }
        SecretWrong { code: "secret-wrong",
            kk: ["Жіберушінің құпия сөзі немесе auth_token қате.", "Қолданыстағы мәнді пайдаланыңыз; жоғалса, оператордан жаңасын сұраңыз."],
            ru: ["Пароль отправителя или auth_token неверен.", "Используйте действующее значение; если утрачено, запросите у оператора новое."],
            en: ["The password of the sender, or auth_token, is wrong.", "Use the one in force; if it is lost, ask the operator for a new one."],
        }
        CertificateBin { code: "certificate-bin",
            kk: ["Қол қойған сертификат бұл жіберушінің атынан сөйлей алмайды: БСН басқа немесе басқа жүйеге тіркелген.", "Жіберушінің БСН-і бар өз сертификатымен қол қойыңыз немесе ШЭП арқылы жіберіңіз."],
            ru: ["Сертификат подписи не может говорить за этого отправителя: другой БИН, или он закреплён за другой системой.", "Подпишите своим сертификатом с БИН отправителя или отправляйте через ШЭП."],
            en: ["The certificate that signed may not speak for this sender: another BIN, or it is registered for another system.", "Sign with your certificate that carries the sender's BIN, or send through ШЭП."],
        }
        ServiceUnknown { code: "service-unknown",
            kk: ["Мұндай serviceId жоқ.", "serviceId-ді регистрін сақтап жазыңыз, мысалы KDP_SERVICE."],
            ru: ["Такого serviceId нет.", "Пишите serviceId с учётом регистра, например KDP_SERVICE."],
            en: ["There is no such serviceId.", "Write serviceId with its case, for example KDP_SERVICE."],
        }
        RoleForbidden { code: "role-forbidden",
            kk: ["Бұл сервис жіберушінің рөліне ашық емес.", "Өз рөліңіздің сервистерін шақырыңыз."],
            ru: ["Этот сервис не открыт роли отправителя.", "Вызывайте сервисы своей роли."],
            en: ["This service is not open to the role of the sender.", "Call the services of your role."],
        }
        BinForeign { code: "bin-foreign",
            kk: ["company_bin жіберушінің БСН-і емес.", "company_bin элементіне тіркелген БСН-ді жазыңыз."],
            ru: ["company_bin — не БИН отправителя.", "Укажите в company_bin зарегистрированный БИН."],
            en: ["company_bin is not the BIN of the sender.", "Put the registered BIN into company_bin."],
        }
        IinControlDigit { code: "iin-control-digit",
            kk: ["ЖСН немесе БСН бақылау разряды қате: бір цифр қате терілген.", "Нөмірді құжатпен салыстырыңыз."],
            ru: ["Контрольный разряд ИИН или БИН неверен: одна из цифр ошибочна.", "Сверьте номер с документом."],
            en: ["The control digit of the IIN or BIN is wrong: a digit was mistyped.", "Compare the number with the document."],
        }
        IinDigits { code: "iin-digits",
            kk: ["ЖСН немесе БСН 12 цифрдан тұрмайды.", "12 цифрды бос орынсыз жазыңыз; бастапқы нөлдерді сақтаңыз."],
            ru: ["ИИН или БИН не из 12 цифр.", "Пишите 12 цифр без пробелов; сохраняйте ведущие нули."],
            en: ["The IIN or BIN does not have 12 digits.", "Write 12 digits without blanks; keep leading zeros."],
        }
        DataMalformed { code: "data-malformed",
            kk: ["Деректердегі элементтің мәні қате.", "Аталған элементті схемаға сай түзетіңіз."],
            ru: ["Неверное значение элемента данных.", "Исправьте названный элемент по схеме."],
            en: ["An element of the data has a wrong value.", "Mend the element that is named, as the schema says."],
        }
        DataContradict { code: "data-contradict",
            kk: ["Деректердегі элементтер бір-біріне қайшы.", "Аталған элементтердің біреуін түзетіңіз немесе алып тастаңыз."],
            ru: ["Элементы данных противоречат друг другу.", "Исправьте или уберите один из названных элементов."],
            en: ["Elements of the data contradict each other.", "Mend or remove one of the elements that are named."],
        }
        ExpiresInSeconds { code: "expires-in-seconds",
            kk: ["expiresIn секундпен берілгенге ұқсайды: ол миллисекундпен өлшенеді.", "expiresIn мәнін 1000-ға көбейтіңіз: 600000 — он минут."],
            ru: ["expiresIn похож на секунды, а измеряется в миллисекундах.", "Умножьте expiresIn на 1000: 600000 — это десять минут."],
            en: ["expiresIn looks like seconds; it is in milliseconds.", "Multiply expiresIn by 1000: 600000 are ten minutes."],
        }
        ExpiresInTooLong { code: "expires-in-too-long",
            kk: ["expiresIn келісілген мерзімнен ұзақ.", "Келісілген мерзімнен аспаңыз немесе expiresIn бермеңіз."],
            ru: ["expiresIn больше согласованного срока.", "Не превышайте согласованный срок или не передавайте expiresIn."],
            en: ["expiresIn is longer than was agreed.", "Stay within what was agreed, or leave expiresIn out."],
        }
        OvtMissing { code: "ovt-absent",
            kk: ["ovt берілмеген.", "2, 3, 4-тәсілдерде ovt беріңіз."],
            ru: ["ovt не передан.", "Для способов 2, 3 и 4 передайте ovt."],
            en: ["There is no ovt.", "Methods 2, 3 and 4 need an ovt."],
        }
        OvtShape { code: "ovt-shape",
            kk: ["ovt ықшам JWS емес: үш бөлік, base64url, жол ауыстырусыз болуы керек.", "Токенді үш бөлігімен, өзгертусіз, кавычкасыз және бос орынсыз беріңіз."],
            ru: ["ovt — не компактный JWS: нужны три части, base64url, без переносов.", "Передайте токен из трёх частей без изменений, кавычек и пробелов."],
            en: ["The ovt is no compact JWS: three parts, base64url, no line breaks.", "Send the token in its three parts, unchanged, without quotes and blanks."],
        }
        OvtAlgorithm { code: "ovt-alg",
            kk: ["ovt алгоритмі (alg) қабылданбайды: none, HS* немесе кілтке сай емес.", "Тіркелген кілттің алгоритмін қойыңыз: RS256 немесе GG2015."],
            ru: ["alg в ovt не принимается: none, HS* или не тот, что у ключа.", "Укажите алгоритм зарегистрированного ключа: RS256 или GG2015."],
            en: ["The alg of the ovt is not accepted: none, HS*, or not that of the key.", "Use the algorithm of the registered key: RS256 or GG2015."],
        }
        OvtKey { code: "ovt-key",
            kk: ["ovt кілті тіркелмеген.", "Ашық кілтті тіркеңіз; kid тіркелген кілтке сай болсын."],
            ru: ["Ключ ovt не зарегистрирован.", "Зарегистрируйте открытый ключ; kid должен указывать на него."],
            en: ["The key of the ovt is not registered.", "Register the public key; kid must name it."],
        }
        OvtSignature { code: "ovt-signature",
            kk: ["ovt қолтаңбасы тіркелген кілтке сай емес.", "Токенге тіркелген кілттің жабық бөлігімен қол қойыңыз және кейін өзгертпеңіз."],
            ru: ["Подпись ovt не соответствует зарегистрированному ключу.", "Подпишите токен закрытой частью зарегистрированного ключа и не меняйте его."],
            en: ["The signature of the ovt is not by a registered key.", "Sign the token with the private part of the registered key, and do not change it."],
        }
        OvtStringDates { code: "ovt-string-dates",
            kk: ["ovt ішіндегі iat, exp немесе nbf жол түрінде жазылған.", "Күндерді сан ретінде, тырнақшасыз жазыңыз: \"iat\": 1775026800."],
            ru: ["iat, exp или nbf в ovt записаны строкой.", "Пишите даты числом без кавычек: \"iat\": 1775026800."],
            en: ["iat, exp or nbf of the ovt is a string.", "Write dates as numbers, without quotes: \"iat\": 1775026800."],
        }
        OvtMilliseconds { code: "ovt-milliseconds",
            kk: ["ovt ішіндегі күндер миллисекундпен: секунд болуы керек.", "Уақытты 1000-ға бөліңіз: System.currentTimeMillis() / 1000."],
            ru: ["Даты в ovt в миллисекундах, а нужны секунды.", "Разделите время на 1000: System.currentTimeMillis() / 1000."],
            en: ["The dates of the ovt are in milliseconds; they must be seconds.", "Divide the time by 1000: System.currentTimeMillis() / 1000."],
        }
        OvtClaims { code: "ovt-claims",
            kk: ["ovt ішінде міндетті өріс жоқ немесе түрі басқа.", "cbin, mcheck — жол, iat, exp — сан; өріс атауы қайталанбасын."],
            ru: ["В ovt нет обязательного поля, или его тип другой.", "cbin и mcheck — строки, iat и exp — числа; имена без повторов."],
            en: ["The ovt lacks a mandatory claim, or one has another type.", "cbin and mcheck are strings, iat and exp numbers; no name twice."],
        }
        OvtCbin { code: "ovt-cbin",
            kk: ["ovt ішіндегі cbin жоқ, сан түрінде немесе company_bin мәнінен өзге.", "cbin: company_bin мәніне тең, 12 цифрлы жол."],
            ru: ["cbin в ovt отсутствует, записан числом или не равен company_bin.", "cbin — строка из 12 цифр, равная company_bin."],
            en: ["cbin of the ovt is missing, a number, or not company_bin.", "cbin: a string of 12 digits, equal to company_bin."],
        }
        OvtMcheck { code: "ovt-mcheck",
            kk: ["mcheck бұл тәсілге жарамайды.", "Тәсілдер бойынша — 2: BIO, DS, DID, OTP, PC; 3: BIO, DS, PC; 4: NONE."],
            ru: ["mcheck не подходит этому способу.", "По способам — 2: BIO, DS, DID, OTP, PC; 3: BIO, DS, PC; 4: NONE."],
            en: ["mcheck does not fit the method.", "By method — 2: BIO, DS, DID, OTP, PC; 3: BIO, DS, PC; 4: NONE."],
        }
        OvtExpired { code: "ovt-expired",
            kk: ["ovt мерзімі өткен.", "Әр сұрау салу алдында жаңа ovt жасаңыз."],
            ru: ["Срок ovt истёк.", "Создавайте новый ovt перед запросом."],
            en: ["The ovt has expired.", "Make a new ovt before the request."],
        }
        OvtFuture { code: "ovt-future",
            kk: ["ovt болашақта жасалған: iat сағаттан озық.", "Сағатты NTP арқылы дәлдеңіз; iat уақыты UTC бойынша болсын."],
            ru: ["ovt из будущего: iat опережает часы.", "Сверьте часы по NTP; iat считается в UTC."],
            en: ["The ovt is from the future: iat is ahead of the clock.", "Set the clock by NTP; iat counts in UTC."],
        }
        OvtLife { code: "ovt-life",
            kk: ["ovt тым ұзақ өмір сүреді немесе exp iat-тан кейін емес.", "exp пен iat арасы 10 сағаттан аспасын."],
            ru: ["ovt живёт слишком долго, или exp не позже iat.", "Между iat и exp не более 10 часов."],
            en: ["The ovt lives too long, or exp is not after iat.", "Let at most 10 hours lie between iat and exp."],
        }
    }
}

struct Row {
    kk: [&'static str; 2],
    ru: [&'static str; 2],
    en: [&'static str; 2],
}

text_and_remedy! {
    Cause:
    /// What it is, a sentence.
    text;
    /// What mends it, a sentence.
    remedy;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;
    use std::collections::HashSet;

    #[test]
    fn every_cause_is_told_in_three_languages_that_differ() {
        assert!(Cause::ALL.len() >= 60);
        let codes: HashSet<_> = Cause::ALL.iter().map(|cause| cause.code()).collect();
        assert_eq!(codes.len(), Cause::ALL.len());
        for cause in Cause::ALL {
            let [kk, ru, en] = Lang::ALL.map(|lang| [cause.text(lang), cause.remedy(lang)]);
            for at in 0..2 {
                assert!(kk[at] != ru[at] && ru[at] != en[at], "{}", cause.code());
                assert!(
                    [kk[at], ru[at], en[at]].iter().all(|text| text.ends_with('.') || text.ends_with('…'))
                );
            }
            assert_eq!(Cause::from_code(cause.code()), Some(*cause));
        }
    }
}
