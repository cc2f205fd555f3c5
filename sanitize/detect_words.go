package sanitize

import "strings"

// category is what a column's name says its values are; its text is the mask's name, but for the two last.
type category string

// The categories beyond the masks.
const (
	categorySecret category = "secret" // a password, key or token: masked as token
	categoryHealth category = "health" // health, religion, origin: masked as text
)

// nameWords is the dictionary of column names: words that stand together, without separators, in English, German,
// French, Spanish, Portuguese, Italian, Dutch and Polish. Accents are left out, as in most schemas.
var nameWords = dictionary(map[category]string{
	"email": `email mail emailaddress mailaddress emailaddr emailadresse mailadresse epost eposta courriel adressemail adresseelectronique
		correo correoelectronico direccioncorreo correio endereccoemail postaelettronica indirizzoemail emailadres adresemail pocztaelektroniczna`,
	"given-name": `firstname fname givenname forename givennames firstnames middlename middleinitial nickname callname maidenfirstname
		vorname vornamen rufname prenom prenoms nombre nombres nombrepila primeronombre primeironome nomeproprio nomebattesimo voornaam voornamen roepnaam imie imiona pierwszeimie`,
	"family-name": `lastname lname surname familyname maidenname secondname nachname familienname geburtsname nomfamille nomdefamille patronyme nomnaissance
		apellido apellidos primerapellido segundoapellido sobrenome ultimonome apelido cognome achternaam familienaam meisjesnaam tussenvoegsel nazwisko nazwiskorodowe`,
	"name": `fullname name displayname realname contactname customername personname patientname employeename membername ownername recipient recipientname sender sendername
		billingname shippingname cardholder cardholdername accountholder holdername beneficiary beneficiaryname signatory author authorname guestname
		kundenname ansprechpartner empfanger empfaenger kontoinhaber nomcomplet nomclient destinataire titulaire nombrecompleto nombrecliente titular
		nomecompleto nomecliente destinatario nominativo intestatario volledigenaam klantnaam naam ontvanger imienazwisko imieinazwisko odbiorca nazwaklienta`,
	"phone": `phone phoneno phonenr phonenumber phno telephone telephonenumber telno tel telnr mobile mobileno mobilenumber mobilephone cell cellphone cellno cellnumber fax faxno faxnumber whatsapp msisdn sms smsnumber landline homephone workphone
		telefon telefonnummer rufnummer handy handynummer mobil mobilnummer mobiltelefon festnetz telefax telephoneportable portable numtel numerotelephone numerotel telefono telefonomovil movil celular numerotelefono
		telefone telemovel numerotelefone cellulare telefonofisso telefoonnummer telefoon mobielnummer gsm komorka telefonkomorkowy numertelefonu nrtelefonu`,
	"address": `address addr addressline addressline1 addressline2 street streetaddress streetname streetno housenumber houseno homeaddress mailingaddress shippingaddress billingaddress deliveryaddress postaladdress apartment building
		adresse anschrift strasse strassenname hausnummer hausnr lieferadresse rechnungsadresse adressepostale rue voie adresse1 complementadresse
		direccion calle domicilio direccionenvio numerocalle endereco rua logradouro morada numeroporta indirizzo via civico numerocivico adres straat straatnaam huisnummer ulica nrdomu numerdomu nrmieszkania`,
	"city": `city town locality village municipality suburb placeofbirth birthplace cityofbirth stadt ort wohnort gemeinde geburtsort ville commune localite lieunaissance ciudad localidad poblacion municipio lugarnacimiento
		cidade localidade freguesia naturalidade citta comune luogonascita stad woonplaats plaats gemeente geboorteplaats miasto miejscowosc gmina miejsceurodzenia`,
	"postcode": `postcode postalcode zip zipcode postcd pincode plz postleitzahl codepostal cp codigopostal cep cap codicepostale codiceavviamentopostale kodpocztowy eircode`,
	"birth-date": `birth birthdate dateofbirth dob born bornon geboren birthday bday birthdt yearofbirth birthyear dateofdeath deathdate geburt geburtsdatum gebdatum geburtstag gebdat geburtsjahr datenaissance ddn datedenaissance fechanacimiento fechadenacimiento fnac
		naissance nacimiento nascimento nascita geboorte urodzenia urodzony datanascimento datadenascimento dtnascimento datanascita datadinascita geboortedatum dataurodzenia`,
	"ip":   `ip ipaddr ipaddress ipv4 ipv6 remoteaddr remoteip clientip userip lastip loginip signinip currentsigninip lastsigninip remotehost ipadresse adresseip direccionip enderecoip indirizzoip ipadres adresip`,
	"mac":  `mac macaddr macaddress hwaddr hardwareaddress macadresse`,
	"geo":  `lat lng lon latitude longitude geo geolocation geopoint coordinates coords gps gpslat gpslon latlng latlon breitengrad laengengrad latitud longitud coordenadas latitudine longitudine breedtegraad lengtegraad szerokosc dlugosc`,
	"iban": `iban bankaccount accountnumber accountno bankaccountnumber acctno acctnumber routingnumber sortcode bic swift kontonummer bankverbindung blz comptebancaire rib numerocompte cuentabancaria numerocuenta contabancaria numeroconta contocorrente rekeningnummer bankrekening numerkonta nrkonta rachunek`,
	"card": `card cardnumber cardno ccnumber ccno creditcard creditcardnumber pan debitcard kartennummer kreditkarte cartebancaire numerocarte tarjeta numerotarjeta tarjetacredito cartao numerocartao cartacredito numerocarta creditcardnr kaartnummer numerkarty`,
	"national-id": `ssn socialsecurity socialsecuritynumber nationalid nationalidnumber nino nin taxid taxnumber taxno tin vatid vat vatnumber passport passportno passportnumber driverlicense driverslicense drivinglicence licensenumber idcard idnumber identitynumber insurancenumber nhsnumber medicareno
		steuernummer steuerid steueridnr ustid personalausweis ausweisnummer reisepass sozialversicherungsnummer svnummer rentenversicherungsnummer krankenversicherungsnummer versichertennummer numerosecu numerosecuritesociale nir nss siret siren numerotva passeport
		dni nie nif cif cedula curp rfc pasaporte numerosecuridadsocial cpf cnpj rg cnh nis pis passaporte nifs cartaocidadao codicefiscale partitaiva cartaidentita bsn burgerservicenummer sofinummer paspoort rijbewijs btwnummer pesel nip regon dowodosobisty nrdowodu paszport licenseplate plate numberplate kennzeichen vin imei imsi iccid`,
	"url":      `url uri link website homepage web webpage webhook webhookurl callbackurl redirecturl avatar avatarurl photourl imageurl pictureurl profileurl blog linkedin facebook twitter instagram github webseite siteweb sitioweb paginaweb sitoweb stronawww`,
	"username": `username userlogin login loginname nick handle screenname accountname twitterhandle skype slack benutzername anmeldename nutzername identifiant nomutilisateur pseudo usuario nombreusuario utilizador nomeusuario utente nomeutente gebruikersnaam uzytkownik nazwauzytkownika`,
	"company":  `company companyname organization organisation organizationname employer employername business businessname legalname tradingname vendorname suppliername firma firmenname unternehmen arbeitgeber entreprise societe raisonsociale employeur empresa razonsocial nombreempresa razaosocial nomeempresa azienda ragionesociale societa bedrijf bedrijfsnaam werkgever nazwafirmy przedsiebiorstwo pracodawca`,
	"text": `comment comments note notes remark remarks description bio biography about message messages body content text memo feedback review reason details transcript subject question answer summary signature useragent
		kommentar bemerkung bemerkungen notiz notizen beschreibung nachricht freitext betreff commentaire commentaires remarque remarques comentario comentarios observaciones nota notas descripcion mensaje observacoes descricao mensagem
		commento commenti messaggio descrizione opmerking opmerkingen omschrijving bericht uwagi komentarz notatka wiadomosc opis salary income wage gehalt salaire salario stipendio`,
	categorySecret: `password passwd pwd pass passphrase passwordhash passwordsalt encryptedpassword hashedpassword passworddigest salt token accesstoken refreshtoken authtoken sessiontoken apitoken apikey apisecret secret secretkey clientsecret privatekey publickey sessionid sessionkey csrftoken resettoken resetpasswordtoken confirmationtoken unlocktoken invitationtoken remembertoken
		otp otpsecret totpsecret mfasecret twofactorsecret recoverycode recoverycodes backupcodes pin cvv cvc securityanswer fingerprint deviceid devicetoken pushtoken fcmtoken advertisingid
		passwort kennwort geheimnis motdepasse mdp contrasena clave senha palavrapasse parolachiave wachtwoord haslo`,
	categoryHealth: `religion ethnicity race diagnosis diagnoses disease medication allergy allergies bloodtype bloodgroup disability politicalparty union sexualorientation diagnose krankheit allergien blutgruppe konfession diagnostic maladie diagnostico enfermedad diagnosi malattia diagnoza choroba`,
})

// notData are last words that make a name one of something about a value, not of
// the value: email_verified_at, phone_type.
var notData = words(`at on count cnt total flag enabled disabled verified confirmed sent opened status state type kind id ids format version size length width height order position rank index score level rate ratio percent amount price quantity qty
	created updated deleted changed expires expired time timestamp ts valid required allowed visible active default bounced optin optout consent subscribed typ art anzahl tipo cantidad quantidade tipologia soort aantal rodzaj liczba`)

// prefixes are first words that say nothing: Hungarian table and type letters.
var prefixes = words(`t c f s n v tbl col fld fk pk str txt vc`)

// personTables are words in the names of tables whose rows are people or belong to one.
var personTables = words(`user users customer customers client clients person persons people contact contacts employee employees staff member members patient patients student students teacher teachers account accounts profile profiles subscriber subscribers guest guests lead leads
	applicant applicants candidate candidates participant participants author authors donor donors tenant tenants passenger passengers recipient recipients beneficiary beneficiaries owner owners driver drivers doctor doctors address addresses identity identities
	benutzer nutzer kunde kunden mitarbeiter mitglied mitglieder patienten schueler personen kontakt kontakte utilisateur utilisateurs personne personnes salarie salaries usuario usuarios cliente clientes empleado empleados persona personas paciente pacientes funcionario funcionarios pessoa pessoas
	utente utenti clienti dipendente dipendenti persone paziente pazienti gebruiker gebruikers klant klanten medewerker medewerkers personen leden uzytkownik uzytkownicy klient klienci pracownik pracownicy osoba osoby pacjent pacjenci`)

// logTables are words in the names of tables that hold copies of other tables' values in no form one can rely on.
var logTables = words(`audit audits auditlog log logs history histories session sessions job jobs queue queues queued outbox inbox event events message messages notification notifications delayed failed versions revisions activity activities trail cache caches webhook webhooks request requests protokoll verlauf`)

// thingTables are words in the names of tables whose rows are goods, places of storage or terms: a name there is nobody's.
var thingTables = words(`product products item items article articles part parts sku skus category categories brand brands feature features tag tags device devices model models plan plans currency currencies country countries language languages unit units
	artikel produkt produkte teil teile ware waren kategorie kategorien laender sprachen produit produits categorie pays langues producto productos articulo articulos categoria categorias paises produto produtos artigo artigos prodotto prodotti articolo articoli categorie artikelen producten onderdelen produkty towar towary czesci kategorie kraje`)

// goodsCodes are last words of columns that identify goods and publications, however many there are.
var goodsCodes = words(`sku skus ean ean13 gtin upc isbn issn asin mpn`)

// thingWords are last words of columns whose values name things and states.
var thingWords = words(`status state type kind code slug locale language lang currency country role level category color colour size unit sku mime mimetype timezone tz gender sex plan tier method channel source medium priority severity environment format engine action event scope visibility theme version isocode iso
	waehrung land sprache rolle groesse einheit farbe langue devise pays couleur moneda pais idioma moeda valuta paese lingua taal kraj jezyk waluta`)

func words(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

func dictionary(lists map[category]string) map[string]category {
	m := map[string]category{}
	for c, list := range lists {
		for _, w := range strings.Fields(list) {
			m[w] = c
		}
	}
	return m
}
