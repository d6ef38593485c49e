"""The words by which a column's header gives away that people can be told by it.

Data only: `identifiers` compares headers with them, both lower-cased and without accents. The lists are meant
to be wide: a false alarm costs whoever writes the YAML one line, a miss costs the people. English, French,
Spanish, Portuguese, Swahili, German, Italian, Indonesian, Turkish and Russian stand here, a few words of
languages in other scripts, and what survey platforms add by themselves; more are to be added as they are met.
"""

from collections.abc import Mapping
from typing import Literal

IdentifierKind = Literal[
    "name",
    "phone",
    "e-mail",
    "account",
    "device",
    "national id",
    "birth date",
    "address",
    "location",
    "image",
    "marked by the form",
]

# Phrases, written without what stands between their words: any run of a header's words is compared.
PHRASES: Mapping[IdentifierKind, str] = {
    "device": """
        deviceid devicephonenum deviceserial deviceinfo subscriberid simid simserial simserialnumber
        simnumber simcard imei imsi iccid meid udid androidid macaddress serialnumber useragent
        browserfingerprint
    """,
    "account": """
        username userid usermail login loginname submittedby submitterid submittername createdby updatedby
        modifiedby editedby collectorname hquser commcareuser recipientid recipientfirstname
        recipientlastname externalreference externaldatareference contactlistid redcapsurveyidentifier
        surveyidentifier instancename token ip ipaddr ipaddress refurl referrer auditurl facebook instagram
        twitter whatsapp skype telegram usuario utilisateur benutzername mtumiaji
    """,
    "e-mail": """
        email emails emailaddress mail mailid emailid courriel correo correoelectronico correioeletronico
        barua baruapepe eposta surel почта
    """,
    "phone": """
        phone phones phonenumber phonenumbers phonenum phoneno phonenr telephone telephones telephonenumber
        telno telnr tel telefon telefone telefono telefonnummer mobile mobiles mobileno mobilenumber
        mobilenum cellphone cellnumber cellno msisdn contactnumber contactno contactnum contactdetails
        contactinfo numerodetelephone numerodetelefono celular movil portable handynummer simu nambayasimu
        telepon nomorhp telefonnumarasi телефон
    """,
    "national id": """
        nationalid nationalidnumber nationalidentity nid nin idcard idcardnumber idnumber idno identitycard
        identitynumber identificationnumber voterid votercard passport passportnumber ssn socialsecurity
        socialsecuritynumber aadhaar aadhar aadhaarnumber cnic nida bvn cedula dni curp cpf rfc
        cartedidentite numeroidentite pieceidentite carnet personalausweis reisepass passeport pasaporte
        passaporte taxid taxnumber driverslicense driverslicence driverlicense licensenumber licencenumber
        birthcertificate kitambulisho ktp nik паспорт bankaccount accountnumber accountno iban
        insurancenumber healthinsurancenumber medicalrecordnumber mrn hospitalnumber
    """,
    "birth date": """
        dob birthdate birthdates birthday dateofbirth datebirth birthdt datedenaissance datenaissance
        fechadenacimiento fechanacimiento datadenascimento datanascimento geburtsdatum geburtstag
        datadinascita tareheyakuzaliwa tanggallahir dogumtarihi датарождения
    """,
    "address": """
        address addresses addr homeaddress streetaddress street streetname housenumber houseno adresse
        adresses rue direccion domicilio calle endereco morada rua anschrift strasse hausnummer indirizzo
        anwani alamat adres адрес postcode postalcode zipcode codepostal codigopostal landmark directions
        whatthreewords pluscode
    """,
    "location": """
        gps gpslocation gpscoordinates geopoint geotrace geoshape geolocation geocode geometry latitude
        longitude lat lon lng latlon latlong latlng latitud longitud breitengrad langengrad latitudine
        longitudine lintang bujur enlem boylam широта долгота coordinate coordinates coord coords
        coordonnees coordenadas koordinaten coordinatesx coordinatesy easting northing utm
    """,
    "image": """
        signature signatures photo photos photograph photographs picture pictures pic selfie portrait image
        images fingerprint fingerprints thumbprint biometric biometrics iris facescan voice voicenote
        recording audio audiorecording video videos firma assinatura unterschrift sahihi foto fotos
        fotografia fotografie bild imagen imagem picha gambar imza подпись фото
    """,
    "name": """
        surname surnames firstname firstnames lastname lastnames fullname middlename maidenname givenname
        nickname forename initials signedby nextofkin contactperson prenom prenoms nomcomplet nomdefamille
        nomprenom apellido apellidos nombrecompleto nombreyapellido sobrenome apelido apelidos nomecompleto
        nachname vorname familienname cognome jinakamili namalengkap soyad soyadi adsoyad имя фамилия
        отчество фио
    """,
}

# Ends of words written without a gap, as in `momphone`; what a word begins with tells less (`phoneme`).
ENDINGS: Mapping[str, IdentifierKind] = {
    "phone": "phone",
    "phonenumber": "phone",
    "phoneno": "phone",
    "mobileno": "phone",
    "email": "e-mail",
    "surname": "name",
    "firstname": "name",
    "lastname": "name",
    "fullname": "name",
    "latitude": "location",
    "longitude": "location",
    "photo": "image",
    "signature": "image",
}

# A name of whom or of what? Of a person, unless a thing is named and no person.
NAME_WORDS = "name names nom noms nombre nombres nome nomi nomes naam jina majina nama ime isim"
THINGS = """
    site village villages hamlet ward parish county subcounty district region province state country town
    city municipality community settlement camp block cluster zone area sector location place island quarter
    neighbourhood neighborhood division constituency chiefdom kebele woreda school schools university
    college class classroom course grade stream subject clinic facility hospital health centre center
    dispensary market shop restaurant company business firm enterprise organisation organization org ngo
    bank group groups cooperative association church mosque programme program project intervention training
    event meeting form survey questionnaire module section instrument file table row column field variable
    label list item product brand crop variety seed tree plant species scientific canonical common generic
    animal breed medicine drug medication vaccine disease illness device app language tribe water source
    river road bus station arm treatment study wave round version month day season currency institution
    employer office department aldea pueblo comunidad escuela colegio centro distrito departamento provincia
    municipio pais barrio ecole commune departement quartier pays marche projet etablissement formulaire
    produit culture aldeia escola bairro produto kijiji shule wilaya kata mkoa kaunti kituo desa sekolah
    kecamatan kabupaten dorf schule ort stadt land gemeinde koy okul
"""
PEOPLE = """
    respondent person people head chief leader child children kid pupil student learner teacher headteacher
    principal mother mum mom father dad parent parents guardian caregiver carer enumerator interviewer
    surveyor supervisor inspector reporter farmer patient client participant member beneficiary owner
    contact informant kin spouse husband wife son daughter brother sister sibling baby infant woman man girl
    boy nurse doctor worker staff employee user submitter recipient first last middle given family full
    maiden household hh hhh hoh enfant eleve chef mere pere maitre repondant enqueteur personne nino nina
    hijo hija madre padre jefe maestro maestra encuestado persona crianca aluno mae pai chefe professor
    mtoto mama baba mwalimu mwanafunzi mkuu anak ibu ayah kind mutter vater lehrer
"""

# Headers that are nothing but one of these: who somebody is.
ROLES = "respondent interviewer enumerator surveyor inspector reporter supervisor enqueteur encuestador"

# Scripts that write words together, or with what belongs to them: these are looked for within a header.
WITHIN: Mapping[IdentifierKind, str] = {
    "name": "اسم الاسم لقب नाम 姓名 名字 氏名 பெயர் ชื่อ ስም",
    "phone": "هاتف جوال موبايل تلفون फोन मोबाइल 电话 電話 手机 手機 โทรศัพท์ ስልክ",
    "e-mail": "بريد ईमेल 邮箱 電子郵件 メール อีเมล",
    "address": "عنوان पता 地址 住址 住所 ที่อยู่ አድራሻ",
    "national id": "هوية جواز आधार 身份证 身分證 护照 บัตรประชาชน",
    "birth date": "تاريخالميلاد जन्मतिथि 出生日期 生年月日 วันเกิด",
    "location": "احداثيات خطالعرض خطالطول अक्षांश देशांतर 经度 纬度 坐标 ละติจูด",
    "image": "توقيع صورة हस्ताक्षर फोटो 签名 照片 ลายเซ็น",
}
