//! What a reviewer of an application would object to: one row a rule, with its texts.

use crate::text::{table, text_and_remedy};

table! {
    /// A rule of the preflight. Where I names no paragraph of its own for it, the rule is the service's (`, ext`).
    pub enum Rule: Row {
        KindMissing {
            code: "kind-missing", paragraph: "I-7", severity: Severity::Returns,
            kk: ["Ұйымның түрі көрсетілмеген.",
                 "organisation.kind мәнін көрсетіңіз: bank, financial, state-body, quasi-state немесе private; рұқсат етілетін тәсілдер осыған байланысты."],
            ru: ["Не указан вид организации.",
                 "Укажите organisation.kind: bank, financial, state-body, quasi-state или private; от вида зависит, какие способы открыты."],
            en: ["The kind of the organisation is not given.",
                 "Give organisation.kind: bank, financial, state-body, quasi-state or private; which methods are open depends on it."],
        }
        BinMalformed {
            code: "bin-malformed", paragraph: "F-7 11)", severity: Severity::Returns,
            kk: ["Ұйымның БСН-і дұрыс емес.",
                 "БСН-ді тіркеу туралы анықтамадан көшіріңіз: бос орынсыз 12 цифр, соңғысы бақылау цифры."],
            ru: ["БИН организации неверен.",
                 "Перепишите БИН из справки о регистрации: 12 цифр без пробелов, последняя контрольная."],
            en: ["The BIN of the organisation is wrong.",
                 "Copy the BIN from the certificate of registration: 12 digits without blanks, the last is a control digit."],
        }
        NameMissing {
            code: "name-missing", paragraph: "I-5", severity: Severity::Returns,
            kk: ["Атауы екі тілдің бірінде толтырылмаған.",
                 "Атауды қазақша (kk) және орысша (ru) жазыңыз: ол субъектіге жіберілетін SMS-те және сынақ актісінде болады."],
            ru: ["Название не заполнено на одном из двух языков.",
                 "Напишите название на казахском (kk) и на русском (ru): оно войдёт в SMS субъекту и в акт тестирования."],
            en: ["A name is missing in one of the two languages.",
                 "Write the name in Kazakh (kk) and in Russian (ru): it goes into the SMS to the subject and into the testing act."],
        }
        NameUntranslated {
            code: "name-untranslated", paragraph: "I-5, ext", severity: Severity::Advice,
            kk: ["Мақсаттың қазақша және орысша атаулары бірдей.",
                 "Атаудың аударылғанын тексеріңіз: субъект өз тіліндегі мәтінді оқиды."],
            ru: ["Названия цели на казахском и на русском совпадают.",
                 "Проверьте, переведено ли название: субъект читает текст на своём языке."],
            en: ["The Kazakh and the Russian name of a purpose are the same.",
                 "Check that the name was translated: the subject reads the text in the own language."],
        }
        SenderMalformed {
            code: "sender-id-malformed", paragraph: "F-7 11)", severity: Severity::Returns,
            kk: ["sender_id толтырылмаған немесе жарамсыз.",
                 "ШЭП-те алынған senderId мәнін дәл жазыңыз: 1-ден 256 байтқа дейін, бос орынсыз."],
            ru: ["sender_id не заполнен или непригоден.",
                 "Впишите senderId, полученный в ШЭП, точно: от 1 до 256 байт без пробелов."],
            en: ["sender_id is empty or unfit.",
                 "Write the senderId that you have at the gateway exactly: 1 to 256 bytes without blanks."],
        }
        SenderTaken {
            code: "sender-id-taken", paragraph: "F-7 11)", severity: Severity::Returns,
            kk: ["Бұл sender_id басқа БСН-ге тіркелген.",
                 "Өз ұйымыңыздың senderId мәнін көрсетіңіз немесе ШЭП-те жаңасын алыңыз."],
            ru: ["Этот sender_id зарегистрирован за другим БИН.",
                 "Укажите senderId своей организации или получите в ШЭП новый."],
            en: ["This sender_id is registered for another BIN.",
                 "Give the senderId of your own organisation, or obtain a new one at the gateway."],
        }
        ContactMissing {
            code: "contact-missing", paragraph: "I-5, ext", severity: Severity::Returns,
            kk: ["Өтінім бойынша жауапты адам немесе онымен байланысу жолы көрсетілмеген.",
                 "contact.name және телефон немесе электрондық пошта мекенжайын толтырыңыз: ескертулер осында жіберіледі."],
            ru: ["Не указано ответственное лицо или способ связи с ним.",
                 "Заполните contact.name и телефон или адрес электронной почты: по ним передают замечания."],
            en: ["The responsible person is missing, or no way to reach them is given.",
                 "Fill in contact.name and a phone or an e-mail address: remarks are passed on there."],
        }
        ContactMalformed {
            code: "contact-malformed", paragraph: "I-5, ext", severity: Severity::Returns,
            kk: ["Байланыс телефоны немесе электрондық пошта мекенжайы дұрыс жазылмаған.",
                 "Телефонды ел кодымен 10-15 цифрмен, поштаны name@example.kz түрінде жазыңыз."],
            ru: ["Контактный телефон или адрес электронной почты написан неверно.",
                 "Телефон: 10-15 цифр с кодом страны; почта: вида name@example.kz."],
            en: ["The contact's phone or e-mail address is ill-formed.",
                 "Phone: 10 to 15 digits with the country code; e-mail: in the form name@example.kz."],
        }
        TextUnfit {
            code: "text-unfit", paragraph: "I-5, ext", severity: Severity::Returns,
            kk: ["Мәтін тым ұзын немесе басқару таңбаларын қамтиды.",
                 "Мәтінді көрсетілген шекке дейін қысқартып, басқару таңбаларын алып тастаңыз; толық сипаттаманы өтінімге қоса беріңіз."],
            ru: ["Текст слишком длинный или содержит управляющие символы.",
                 "Сократите текст до указанного предела и уберите управляющие символы; подробное описание приложите к заявке."],
            en: ["A text is too long or holds control characters.",
                 "Shorten the text to the limit that is given and remove control characters; attach a long description to the application."],
        }
        PersonNamed {
            code: "person-named", paragraph: "I-5, ext", severity: Severity::Returns,
            kk: ["Мәтінде жеке тұлғаның ЖСН-і бар.",
                 "ЖСН-ді алып тастаңыз: өтінімде субъектілердің дербес деректері болмауы керек."],
            ru: ["В тексте есть ИИН физического лица.",
                 "Уберите ИИН: персональных данных субъектов в заявке быть не должно."],
            en: ["A text holds the IIN of a person.",
                 "Remove the IIN: personal data of subjects do not belong into an application."],
        }
        TooMany {
            code: "too-many", paragraph: "I-5, ext", severity: Severity::Returns,
            kk: ["Тізімде рұқсат етілгеннен көп жазба бар.",
                 "Тізімді қысқартыңыз немесе өтінімді бірнешеге бөліңіз."],
            ru: ["В списке больше записей, чем допустимо.",
                 "Сократите список или разделите заявку на несколько."],
            en: ["A list has more entries than are allowed.",
                 "Shorten the list, or split the application into several."],
        }
        PurposeMissing {
            code: "purpose-missing", paragraph: "I-5", severity: Severity::Returns,
            kk: ["Өтінімде бірде-бір мақсат жоқ.",
                 "purposes тізіміне кемінде бір мақсат қосыңыз: қызмет, ServiceID, бизнес-процесс, деректер және мерзімдер."],
            ru: ["В заявке нет ни одной цели.",
                 "Добавьте в purposes хотя бы одну цель: услуга, ServiceID, бизнес-процесс, данные и сроки."],
            en: ["The application names no purpose.",
                 "Add at least one purpose to purposes: service, ServiceIDs, business process, data and terms."],
        }
        PurposeRepeated {
            code: "purpose-repeated", paragraph: "I-5", severity: Severity::Returns,
            kk: ["Екі мақсат бірін-бірі қайталайды: атауы бірдей немесе қызметтері мен ServiceID тізімі бірдей.",
                 "Қайталанған мақсатты алып тастаңыз немесе айырмашылығын атауында және бизнес-процесінде көрсетіңіз."],
            ru: ["Две цели повторяют друг друга: одинаково название либо услуги и список ServiceID.",
                 "Уберите повторную цель или покажите различие в названии и бизнес-процессе."],
            en: ["Two purposes repeat each other: the same name, or the same services and ServiceIDs.",
                 "Remove the repeated purpose, or show the difference in its name and business process."],
        }
        ServiceUnnamed {
            code: "service-unnamed", paragraph: "I-5", severity: Severity::Returns,
            kk: ["Деректер қай қызмет үшін қажет екені аталмаған.",
                 "services тізімінде деректерге қол жеткізу қажет болатын қызметтердің атауларын жазыңыз."],
            ru: ["Не названа услуга, для которой нужны данные.",
                 "Перечислите в services услуги, при оказании которых нужен доступ к данным."],
            en: ["The service that the data are needed for is not named.",
                 "List in services the services for which access to the data is needed."],
        }
        ServiceIdMissing {
            code: "service-id-missing", paragraph: "I-5", severity: Severity::Returns,
            kk: ["Қызмет аталған, бірақ бірде-бір ServiceID көрсетілмеген.",
                 "service_ids тізімінде деректер алынатын ШЭП сервистерінің ServiceID мәндерін көрсетіңіз."],
            ru: ["Услуга названа, но ни одного ServiceID не указано.",
                 "Укажите в service_ids ServiceID сервисов ШЭП, через которые получаете данные."],
            en: ["A service is named, but no ServiceID is given.",
                 "Give in service_ids the ServiceIDs of the gateway through which you obtain the data."],
        }
        ServiceIdMalformed {
            code: "service-id-malformed", paragraph: "F-7 5)", severity: Severity::Returns,
            kk: ["ServiceID дұрыс жазылмаған.",
                 "Тізімнің әр жолында бір ServiceID болсын: 1-ден 128 байтқа дейін, «;» белгісінсіз және бос орынсыз."],
            ru: ["ServiceID непригоден.",
                 "Пишите по одному ServiceID в строке списка: от 1 до 128 байт, без «;» и пробелов."],
            en: ["A ServiceID is unfit.",
                 "Write one ServiceID an item: 1 to 128 bytes, without semicolons and blanks."],
        }
        ServiceIdUnowned {
            code: "service-id-unowned", paragraph: "I-5", severity: Severity::Returns,
            kk: ["Бұл ServiceID-ге ешбір меншік иесі тіркелмеген.",
                 "ServiceID жазылуын (әріп регистрі маңызды) ШЭП сервистерінің тізбесімен салыстырыңыз немесе меншік иесінен оны КДП-да тіркеуді сұраңыз."],
            ru: ["За этим ServiceID не зарегистрирован ни один собственник.",
                 "Сверьте написание (регистр букв важен) с реестром сервисов ШЭП или попросите собственника зарегистрировать сервис в КДП."],
            en: ["No owner is registered for this ServiceID.",
                 "Compare the spelling (case matters) with the gateway's list, or ask the owner to register the service."],
        }
        ServiceIdRepeated {
            code: "service-id-repeated", paragraph: "F-7 5), ext", severity: Severity::Advice,
            kk: ["Бір мақсатта ServiceID екі рет көрсетілген.",
                 "Қайталануын алып тастаңыз; басқа сервис көзделген болса, оның ServiceID мәнін жазыңыз."],
            ru: ["ServiceID указан в одной цели дважды.",
                 "Уберите повтор; если имелся в виду другой сервис, впишите его ServiceID."],
            en: ["A ServiceID is given twice in one purpose.",
                 "Remove the repetition; if another service was meant, write its ServiceID."],
        }
        ServiceIdOwn {
            code: "service-id-own", paragraph: "I-5, ext", severity: Severity::Advice,
            kk: ["Бұл сервистің меншік иесі өтінім берушінің өзі.",
                 "Өз тізіліміңіздегі деректер үшін қауіпсіздік токені қажет пе екенін тексеріңіз."],
            ru: ["Собственник этого сервиса сам заявитель.",
                 "Проверьте, нужен ли токен безопасности для данных собственного реестра."],
            en: ["The applicant itself owns this service.",
                 "Check whether a security token is needed for the data of your own register."],
        }
        ProcessMissing {
            code: "process-missing", paragraph: "I-5", severity: Severity::Returns,
            kk: ["Бизнес-процесс сипатталмаған.",
                 "process өрісінде деректер қай қадамда, кімге және не үшін қажет екенін жазыңыз."],
            ru: ["Не описан бизнес-процесс.",
                 "Опишите в process, на каком шаге, кому и зачем нужны данные."],
            en: ["The business process is not described.",
                 "Describe in process at which step, for whom and what for the data are needed."],
        }
        ProcessShort {
            code: "process-short", paragraph: "I-5, ext", severity: Severity::Advice,
            kk: ["Бизнес-процесс тым қысқа сипатталған.",
                 "Қадамдарды, жауапты қызметкерлерді және әр ServiceID қайда қолданылатынын көрсетіңіз."],
            ru: ["Бизнес-процесс описан слишком кратко.",
                 "Укажите шаги, ответственных работников и где используется каждый ServiceID."],
            en: ["The business process is described in too few words.",
                 "Give the steps, the responsible employees, and where each ServiceID is used."],
        }
        DataMissing {
            code: "data-missing", paragraph: "F-7 5)", severity: Severity::Returns,
            kk: ["Қандай деректер қажет екені көрсетілмеген.",
                 "data өрісінде деректерді тізіп жазыңыз: субъект осы мәтінді SMS-те оқиды."],
            ru: ["Не указано, какие данные нужны.",
                 "Перечислите данные в data: этот текст субъект прочтёт в SMS."],
            en: ["Which data are needed is not given.",
                 "List the data in data: the subject will read this text in the SMS."],
        }
        DataUnbounded {
            code: "data-unbounded", paragraph: "I-5, ext", severity: Severity::Advice,
            kk: ["Деректер нақты аталмаған: «барлық», «және басқа» деген сөздер бар.",
                 "Мақсатқа қажетті деректерді ғана нақты атаңыз: субъект келісімді нақты тізімге береді."],
            ru: ["Данные названы неопределённо: есть слова «все», «и другие».",
                 "Назовите только те данные, что нужны для цели: субъект соглашается на точный перечень."],
            en: ["The data are named without bounds: words such as \"all\" or \"and others\".",
                 "Name only the data that the purpose needs: the subject agrees to an exact list."],
        }
        PeriodMissing {
            code: "period-missing", paragraph: "I-5", severity: Severity::Returns,
            kk: ["Қызмет көрсету кезеңі көрсетілмеген.",
                 "period_seconds өрісінде қауіпсіздік токенінің қызмет көрсетуге қажет мерзімін секундпен көрсетіңіз."],
            ru: ["Не указан период оказания услуги.",
                 "Укажите в period_seconds, сколько секунд токен безопасности нужен для оказания услуги."],
            en: ["The period of the service is not given.",
                 "Give in period_seconds how many seconds the security token is needed to provide the service."],
        }
        PeriodTooLong {
            code: "period-too-long", paragraph: "F-10", severity: Severity::Returns,
            kk: ["Кезең рұқсат етілген ең ұзақ мерзімнен асады.",
                 "period_seconds мәнін шекке дейін азайтыңыз; ұзақ қызмет үшін келісімді қайта сұраңыз."],
            ru: ["Период больше наибольшего допустимого.",
                 "Уменьшите period_seconds до предела; для более долгой услуги запрашивайте согласие снова."],
            en: ["The period is longer than the longest allowed.",
                 "Lower period_seconds to the limit; ask for consent again where the service takes longer."],
        }
        PeriodShort {
            code: "period-short", paragraph: "I-5, ext", severity: Severity::Advice,
            kk: ["Кезең бір минуттан қысқа: токеннің мерзімі деректер алынғанша өтіп кетуі мүмкін.",
                 "period_seconds мәні секундпен, минутпен емес, берілгенін тексеріңіз."],
            ru: ["Период короче минуты: токен может истечь раньше, чем получены данные.",
                 "Проверьте, что period_seconds указан в секундах, а не в минутах."],
            en: ["The period is shorter than a minute: the token may expire before the data are obtained.",
                 "Check that period_seconds is in seconds and not in minutes."],
        }
        ProcessingMissing {
            code: "processing-missing", paragraph: "I-5", severity: Severity::Returns,
            kk: ["Деректерді өңдеу мерзімі көрсетілмеген.",
                 "processing_seconds өрісін секундпен толтырыңыз."],
            ru: ["Не указан срок обработки данных.",
                 "Заполните processing_seconds в секундах."],
            en: ["The time of processing is not given.",
                 "Fill in processing_seconds, in seconds."],
        }
        StorageBelowProcessing {
            code: "storage-below-processing", paragraph: "I-5", severity: Severity::Returns,
            kk: ["Деректер өңдеу аяқталғанша сақталмайды: сақтау мерзімі өңдеу мерзімінен қысқа.",
                 "storage_seconds мәнін processing_seconds мәнінен кем етпеңіз; деректер сақталмаса, 0 жазыңыз."],
            ru: ["Данные хранятся меньше, чем обрабатываются.",
                 "Сделайте storage_seconds не меньше processing_seconds; если данные не хранятся, укажите 0."],
            en: ["The data are kept for less time than they are processed.",
                 "Make storage_seconds at least processing_seconds; write 0 if the data are not kept."],
        }
        StorageTooLong {
            code: "storage-too-long", paragraph: "I-5", severity: Severity::Returns,
            kk: ["Деректер кезең мен өңдеуге қажетінен ұзақ сақталады, ал мұны міндеттейтін акт аталмаған.",
                 "storage_seconds мәнін кезең мен өңдеу мерзімінің қосындысына дейін азайтыңыз немесе storage_ground.act ішінде акт пен бапты атаңыз."],
            ru: ["Данные хранятся дольше, чем нужно для периода и обработки, а обязывающий акт не назван.",
                 "Уменьшите storage_seconds до суммы периода и обработки или назовите в storage_ground.act акт и статью."],
            en: ["The data are kept longer than period and processing need, and no act that demands it is named.",
                 "Lower storage_seconds to the sum of period and processing, or name act and article in storage_ground.act."],
        }
        StorageByAct {
            code: "storage-by-act", paragraph: "I-5, ext", severity: Severity::Advice,
            kk: ["Деректер кезең мен өңдеуге қажетінен ұзақ сақталады; негіз ретінде акт аталған.",
                 "Акт дәл осы деректерді дәл осы мерзімге сақтауды міндеттейтінін тексеріп, бабын көрсетіңіз."],
            ru: ["Данные хранятся дольше, чем нужно для периода и обработки; основанием назван акт.",
                 "Проверьте, что акт обязывает хранить именно эти данные именно столько, и укажите статью."],
            en: ["The data are kept longer than period and processing need; an act is named as the ground.",
                 "Check that the act demands to keep these very data for this very time, and give the article."],
        }
        StorageGroundMissing {
            code: "storage-ground-missing", paragraph: "I-5", severity: Severity::Returns,
            kk: ["Деректерді сақтау негіздемесі көрсетілмеген.",
                 "storage_ground.text ішінде неліктен сақталатынын, storage_ground.act ішінде актіні жазыңыз; сақталмаса, storage_seconds 0 болсын."],
            ru: ["Не указано основание хранения данных.",
                 "Напишите в storage_ground.text, зачем хранятся данные, в storage_ground.act акт; если не хранятся, storage_seconds 0."],
            en: ["No ground for the storage is given.",
                 "Write in storage_ground.text why the data are kept and in storage_ground.act the act; if they are not, storage_seconds is 0."],
        }
        MethodMissing {
            code: "method-missing", paragraph: "I-7", severity: Severity::Returns,
            kk: ["Сұрау салудың бірде-бір тәсілі аталмаған.",
                 "methods тізімінде кемінде бір тәсілді (1-5) көрсетіңіз; 1 және 5-тәсілдер барлық бастамашыға ашық."],
            ru: ["Не назван ни один способ запроса.",
                 "Укажите в methods хотя бы один способ (1-5); способы 1 и 5 открыты всем инициаторам."],
            en: ["No method of asking is named.",
                 "Name at least one method (1 to 5) in methods; methods 1 and 5 are open to every initiator."],
        }
        MethodRepeated {
            code: "method-repeated", paragraph: "I-7", severity: Severity::Returns,
            kk: ["Бір тәсіл екі рет берілген.",
                 "Тәсілдің бір жазбасын ғана қалдырып, барлық негіздеме мен хаттаманы соған жазыңыз."],
            ru: ["Один способ указан дважды.",
                 "Оставьте одну запись способа и внесите в неё все основания и протокол."],
            en: ["A method is given twice.",
                 "Keep one entry of the method and put all its grounds and its protocol there."],
        }
        OwnMeansClosed {
            code: "own-means-closed", paragraph: "I-7", severity: Severity::Returns,
            kk: ["2-тәсіл банктерге және ақпараттық қауіпсіздіктің жедел орталығы (SOC) бар ұйымдарға ғана ашық.",
                 "2-тәсілді алып тастап, 1 немесе 5-тәсілді таңдаңыз; SOC болса, organisation.has_soc = true деп көрсетіп, уәкілетті органмен келісіңіз."],
            ru: ["Способ 2 открыт только банкам и организациям с оперативным центром информационной безопасности (SOC).",
                 "Уберите способ 2 и выберите 1 или 5; если центр есть, укажите organisation.has_soc = true и согласуйте способ с уполномоченным органом."],
            en: ["Method 2 is open to banks and to organisations with a security operations centre only.",
                 "Remove method 2 and choose 1 or 5; if you have a centre, set organisation.has_soc and agree with the authorised body."],
        }
        OwnMeansAgreement {
            code: "own-means-agreement", paragraph: "I-7", severity: Severity::Advice,
            kk: ["Банк емес ұйым 2-тәсілді уәкілетті органмен келіседі.",
                 "Келісім туралы хатты және SOC бар екенін растайтын құжатты өтінімге қоса беріңіз."],
            ru: ["Организация, не являющаяся банком, согласует способ 2 с уполномоченным органом.",
                 "Приложите к заявке письмо о согласовании и подтверждение наличия SOC."],
            en: ["An organisation that is no bank agrees method 2 with the authorised body.",
                 "Attach the letter of agreement and the proof of the security operations centre."],
        }
        MethodUnusual {
            code: "method-unusual", paragraph: "F-4", severity: Severity::Advice,
            kk: ["Мұндай түрдегі ұйым 3 және 4-тәсілді әдетте пайдаланбайды.",
                 "Ұйым проактивті қызмет көрсететінін (3) немесе Заңның 9-бабындағы жағдайға жататынын (4) құжатпен растаңыз."],
            ru: ["Организации такого вида способы 3 и 4 обычно не открываются.",
                 "Подтвердите документом, что организация оказывает проактивную услугу (3) или подпадает под случай статьи 9 Закона (4)."],
            en: ["Methods 3 and 4 are unusual for this kind of organisation.",
                 "Prove by a document that you provide the proactive service (3) or fall under a case of article 9 of the Law (4)."],
        }
        ProtocolMissing {
            code: "protocol-missing", paragraph: "I-8", severity: Severity::Returns,
            kk: ["2, 3 немесе 4-тәсілге сынақ хаттамасы қоса берілмеген.",
                 "test_protocol ішінде хаттаманың деректемесін және файлдың SHA-256 мәнін көрсетіңіз."],
            ru: ["К способу 2, 3 или 4 не приложен протокол тестирования.",
                 "Укажите в test_protocol реквизиты протокола и SHA-256 его файла."],
            en: ["No test protocol is attached for method 2, 3 or 4.",
                 "Give in test_protocol the reference of the protocol and the SHA-256 of its file."],
        }
        ProtocolWanted {
            code: "protocol-wanted", paragraph: "F-4", severity: Severity::Advice,
            kk: ["Сынақ хаттамасы әлі жоқ; ол әр тәсіл бойынша сақталуы керек.",
                 "Хаттаманы өтініммен бірге немесе сынақ актісімен бірге тапсырыңыз."],
            ru: ["Протокола тестирования ещё нет; он должен быть по каждому способу.",
                 "Сдайте протокол вместе с заявкой или вместе с актом тестирования."],
            en: ["There is no test protocol yet; every method needs one on file.",
                 "Hand the protocol in with the application, or with the testing act."],
        }
        ProtocolMalformed {
            code: "protocol-malformed", paragraph: "I-8, ext", severity: Severity::Returns,
            kk: ["Сынақ хаттамасына сілтеме дұрыс емес.",
                 "reference ішінде нөмірі мен күнін, sha256 ішінде файлдың 64 он алтылық таңбасын жазыңыз (sha256sum файл)."],
            ru: ["Ссылка на протокол тестирования составлена неверно.",
                 "Впишите в reference номер и дату, в sha256 64 шестнадцатеричных знака файла (sha256sum файл)."],
            en: ["The reference to the test protocol is ill-formed.",
                 "Write number and date in reference, and in sha256 the 64 hexadecimal characters that sha256sum prints of the file."],
        }
        ProtocolRepeated {
            code: "protocol-repeated", paragraph: "I-8, ext", severity: Severity::Advice,
            kk: ["Бір хаттама екі тәсілге қоса берілген.",
                 "Хаттамада екі тәсілдің де сынағы бар екенін тексеріңіз немесе әрқайсысына өз хаттамасын беріңіз."],
            ru: ["Один и тот же протокол приложен к двум способам.",
                 "Проверьте, что в протоколе есть тестирование обоих способов, или приложите к каждому свой."],
            en: ["The same protocol is attached for two methods.",
                 "Check that the protocol covers the tests of both, or attach one for each."],
        }
        ProactiveMissing {
            code: "proactive-missing", paragraph: "F-4 3)", severity: Severity::Returns,
            kk: ["3-тәсілге проактивті қызмет көрсетілмеген.",
                 "proactive ішінде проактивті қызметтің коды мен атауын жазыңыз."],
            ru: ["Для способа 3 не указана проактивная услуга.",
                 "Впишите в proactive код и название проактивной услуги."],
            en: ["No proactive service is given for method 3.",
                 "Write the code and the name of the proactive service into proactive."],
        }
        ProactiveTaken {
            code: "proactive-taken", paragraph: "F-6", severity: Severity::Returns,
            kk: ["Бұл проактивті қызмет коды басқа БСН-ге тіркелген.",
                 "Өз қызметіңіздің кодын көрсетіңіз: код бір ғана БСН-ге тиесілі."],
            ru: ["Этот код проактивной услуги зарегистрирован за другим БИН.",
                 "Укажите код своей услуги: код принадлежит одному БИН."],
            en: ["This proactive service code is registered for another BIN.",
                 "Give the code of your own service: a code belongs to one BIN."],
        }
        GroundMissing {
            code: "ground-missing", paragraph: "F-7 7)", severity: Severity::Returns,
            kk: ["3 немесе 4-тәсілге негіздеме көрсетілмеген.",
                 "ground_ids ішінде негіздемелер анықтамалығының идентификаторын жазыңыз; 4-тәсілге Заңның 9-бабындағы негіздеме қажет."],
            ru: ["Для способа 3 или 4 не указано основание.",
                 "Впишите в ground_ids идентификатор из справочника оснований; способу 4 нужно основание статьи 9 Закона."],
            en: ["No ground is given for method 3 or 4.",
                 "Write an id of the directory of grounds into ground_ids; method 4 needs a ground of article 9 of the Law."],
        }
        GroundUnknown {
            code: "ground-unknown", paragraph: "F-7 7)", severity: Severity::Returns,
            kk: ["Негіздеме анықтамалықта жоқ.",
                 "Идентификаторды негіздемелер анықтамалығынан алыңыз; қажеттісі болмаса, оны актімен тіркеуді сұраңыз."],
            ru: ["Основания нет в справочнике.",
                 "Возьмите идентификатор из справочника оснований; если нужного нет, попросите зарегистрировать его по акту."],
            en: ["The ground is not in the directory.",
                 "Take an id of the directory of grounds; if yours is missing, ask to register it with its act."],
        }
        GroundOtherMethod {
            code: "ground-other-method", paragraph: "F-7 7)", severity: Severity::Returns,
            kk: ["Негіздеме бұл тәсілге жарамайды.",
                 "Осы тәсілге рұқсат етілген негіздемені таңдаңыз немесе негіздемені тиісті тәсілге көшіріңіз."],
            ru: ["Основание не годится для этого способа.",
                 "Выберите основание, допустимое для этого способа, или перенесите его к нужному способу."],
            en: ["The ground does not serve this method.",
                 "Choose a ground that is allowed for this method, or move it to the method that it serves."],
        }
        GroundUnconfirmed {
            code: "ground-unconfirmed", paragraph: "L-9", severity: Severity::Returns,
            kk: ["Негіздеме актімен салыстырылып расталмаған.",
                 "Сервис операторынан негіздемені акт бойынша растауды сұраңыз; расталғанша ол өнеркәсіптік ортада қолданылмайды."],
            ru: ["Основание не подтверждено по тексту акта.",
                 "Попросите оператора сервиса подтвердить основание по акту; до этого в промышленной среде оно не действует."],
            en: ["The ground has not been confirmed against the act.",
                 "Ask the operator of the service to confirm the ground by the act; until then it does not serve in production."],
        }
        GroundUnconfirmedTest {
            code: "ground-unconfirmed-test", paragraph: "L-9, ext", severity: Severity::Advice,
            kk: ["Негіздеме расталмаған: ол тек сынақ ортасында қолданылады.",
                 "Өнеркәсіптік ортаға өткенше негіздемені акт бойынша растатыңыз."],
            ru: ["Основание не подтверждено: оно действует только в тестовой среде.",
                 "До перехода в промышленную среду получите подтверждение основания по акту."],
            en: ["The ground is unconfirmed: it serves in the test environment only.",
                 "Have the ground confirmed by the act before you go into production."],
        }
        GroundExempt {
            code: "ground-exempt", paragraph: "I-3", severity: Severity::Advice,
            kk: ["Бұл негіздеме бойынша интеграция міндетті емес.",
                 "Өтінім қажет пе екенін тексеріңіз: сервисті ерікті түрде пайдалануға болады."],
            ru: ["По этому основанию интеграция не обязательна.",
                 "Проверьте, нужна ли заявка: пользоваться сервисом можно и добровольно."],
            en: ["Cases of this ground are exempt from integration.",
                 "Check whether an application is needed: using the service is allowed, not required."],
        }
        GroundUnused {
            code: "ground-unused", paragraph: "F-7 7), ext", severity: Severity::Advice,
            kk: ["1, 2 және 5-тәсілдерге негіздеме қолданылмайды.",
                 "ground_ids өрісін босатыңыз: келісімсіз деректер тек 4-тәсілмен алынады."],
            ru: ["Для способов 1, 2 и 5 основание не применяется.",
                 "Очистите ground_ids: без согласия данные получают только способом 4."],
            en: ["Methods 1, 2 and 5 use no ground.",
                 "Empty ground_ids: data without consent are obtained by method 4 only."],
        }
        KeyMissing {
            code: "key-missing", paragraph: "I-10", severity: Severity::Advice,
            kk: ["Верификация токендерінің ашық кілті әлі берілмеген.",
                 "Кілтті ovt_keys ішінде қазір немесе мақұлданғаннан кейін kdp application register-key арқылы тіркеңіз."],
            ru: ["Открытый ключ токенов верификации ещё не передан.",
                 "Передайте его в ovt_keys сейчас или зарегистрируйте после одобрения: kdp application register-key."],
            en: ["The public key of the verification tokens is not given yet.",
                 "Give it in ovt_keys now, or register it after the approval: kdp application register-key."],
        }
        KeyMalformed {
            code: "key-malformed", paragraph: "I-10", severity: Severity::Returns,
            kk: ["Ашық кілт оқылмайды немесе RSA кілті емес.",
                 "PUBLIC KEY немесе CERTIFICATE блогы бар PEM мәтінін беріңіз."],
            ru: ["Открытый ключ не читается или это не ключ RSA.",
                 "Передайте текст PEM с блоком PUBLIC KEY или CERTIFICATE."],
            en: ["The public key is not readable, or is no RSA key.",
                 "Give a PEM text with a block PUBLIC KEY or CERTIFICATE."],
        }
        KeyWeak {
            code: "key-weak", paragraph: "I-10, ext", severity: Severity::Returns,
            kk: ["Кілт әлсіз: RSA кілті 2048-ден 4096 битке дейін және ақаусыз генератормен жасалған болуы керек.",
                 "2048 биттен кем емес жаңа кілт жасап, оның ашық бөлігін беріңіз."],
            ru: ["Ключ слаб: ключ RSA должен иметь от 2048 до 4096 бит и быть создан исправным генератором.",
                 "Создайте новый ключ не короче 2048 бит и передайте его открытую часть."],
            en: ["The key is weak: an RSA key needs 2048 to 4096 bits and a sound generator.",
                 "Make a new key of at least 2048 bits and give its public part."],
        }
        KeyPrivate {
            code: "key-private", paragraph: "I-10", severity: Severity::Returns,
            kk: ["Өтінімде жабық кілт бар.",
                 "Бұл кілтті енді пайдаланбаңыз: жаңасын жасап, оның тек ашық бөлігін беріңіз; жабық кілтті ешкімге жібермеңіз."],
            ru: ["В заявке закрытый ключ.",
                 "Больше не используйте этот ключ: создайте новый и передайте только открытую часть; закрытый ключ никому не отправляют."],
            en: ["The application holds a private key.",
                 "Do not use this key any more: make a new one and give its public part only; a private key is sent to nobody."],
        }
        KeyUnneeded {
            code: "key-unneeded", paragraph: "I-10, ext", severity: Severity::Advice,
            kk: ["1 және 5-тәсілдерге верификация токенінің кілті қажет емес.",
                 "ovt_keys өрісін босатыңыз немесе 2, 3 не 4-тәсілге өтінім беріңіз."],
            ru: ["Для способов 1 и 5 ключ токенов верификации не нужен.",
                 "Очистите ovt_keys или заявите способ 2, 3 или 4."],
            en: ["Methods 1 and 5 need no key of verification tokens.",
                 "Empty ovt_keys, or apply for method 2, 3 or 4."],
        }
    }
}

/// What an objection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The application is returned while it stands.
    Returns,
    /// It does not stand in the way.
    Advice,
}

impl Severity {
    /// The word in output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Returns => "returns",
            Self::Advice => "advice",
        }
    }
}

struct Row {
    paragraph: &'static str,
    severity: Severity,
    kk: [&'static str; 2],
    ru: [&'static str; 2],
    en: [&'static str; 2],
}

impl Rule {
    /// Paragraph of the law, in the form of [`crate::text::Reason::paragraph`].
    #[must_use]
    pub const fn paragraph(self) -> &'static str {
        self.row().paragraph
    }

    /// What it leads to.
    #[must_use]
    pub const fn severity(self) -> Severity {
        self.row().severity
    }
}

text_and_remedy! {
    Rule:
    /// What is wrong, a sentence of at most 200 characters.
    text;
    /// What to do about it, naming the fields of the form.
    remedy;
}
