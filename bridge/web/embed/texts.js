// What a page inside a host says besides its card.

const TEXTS = {
  de: {
    wait: ['Einen Moment', 'Die Karte wird vorbereitet.'],
    idle: ['Kein Gespräch', 'Sobald ein Gespräch offen ist, steht hier, um wen es geht.'],
    signIn: ['Bitte anmelden', 'Die Karte zeigt Kundendaten. Einmal anmelden genügt, solange Sie arbeiten.'],
    signInAgain: ['Anmeldung abgelaufen', 'Zum Schutz der Kundendaten zeigt die Karte nichts mehr. Bitte neu anmelden.'],
    handOver: ['Noch nicht angemeldet', 'Diese Seite bekommt die Anmeldung von der Anwendung, in der sie steckt. Bitte laden Sie die Anwendung neu.'],
    unsigned: ['Zendesk hat den Aufruf nicht unterschrieben', 'In der manifest.json der App muss "signedUrls": true stehen. Danach die App neu hochladen.'],
    refused: ['Anmeldung nicht angenommen', 'Bitte die App in Zendesk neu laden. Bleibt es dabei, passen Schlüssel oder Installation in config/hosts.yaml nicht zu dieser App.'],
    used: ['Diese Anmeldung ist schon verbraucht', 'Zendesk gibt für jedes Öffnen eine neue. Bitte die App in Zendesk neu laden.'],
    unready: ['Noch nicht eingerichtet', 'Hier fehlt noch eine Einstellung. Was genau, steht im Protokoll von Retention Bridge.'],
    reload: ['Anmeldung abgelaufen', 'Zum Schutz der Kundendaten zeigt die Karte nichts mehr. Bitte die App in Zendesk neu laden.'],
    unsubstituted: (token) => ['Genesys hat den Platzhalter nicht ersetzt', `Angekommen ist wörtlich ${token}. Der Typ der Integration muss „Interaction Widget“ sein, und der Platzhalter muss genau so in ihrer URL stehen.`],
    noConversation: ['Kein Gespräch angegeben', 'In der URL der Integration fehlt conversationId={{pcConversationId}}.'],
    noScript: (name) => [`Das Skript von ${name} fehlt`, 'Es ließ sich nicht laden, deshalb erfährt die Karte nicht, um wen es geht. Sie können selbst suchen.'],
    noAnswer: (name) => [`${name} antwortet nicht`, 'Die Karte erfährt nicht, um wen es geht. Sie können selbst suchen.'],
    nobody: ['Niemand angegeben', 'Zu diesem Gespräch gibt es weder Adresse noch Nummer. Sie können selbst suchen.'],
    button: 'Anmelden',
    blocked: 'Der Browser hat das Fenster zur Anmeldung nicht geöffnet. Bitte Pop-ups für diese Seite erlauben.',
    foreign: 'Diese Anmeldung gilt für eine andere Seite. Sie muss für die Adresse von Retention Bridge ausgestellt sein.',
    broken: 'Das war keine gültige Anmeldung. Bitte noch einmal versuchen.',
    whom: 'Telefon, E-Mail oder Kundennummer (System:Nummer)',
    search: 'Suchen',
    notInserted: 'Der Text ließ sich nicht einfügen. Bitte kopieren.',
  },
  en: {
    wait: ['One moment', 'The card is on its way.'],
    idle: ['No conversation', 'As soon as a conversation is open, you will see here who it is about.'],
    signIn: ['Please sign in', 'The card shows customer data. Signing in once is enough while you are at work.'],
    signInAgain: ['Sign-in has expired', 'To protect customer data the card shows nothing any more. Please sign in again.'],
    handOver: ['Not signed in yet', 'This page gets its sign-in from the application around it. Please reload the application.'],
    unsigned: ['Zendesk did not sign this request', 'The app’s manifest.json needs "signedUrls": true. Then upload the app again.'],
    refused: ['Sign-in was not accepted', 'Please reload the app in Zendesk. If that does not help, the key or installation in config/hosts.yaml does not belong to this app.'],
    used: ['This sign-in has been used', 'Zendesk issues a new one each time it opens the app. Please reload the app in Zendesk.'],
    unready: ['Not set up yet', 'A setting is still missing. The log of Retention Bridge says which one.'],
    reload: ['Sign-in has expired', 'To protect customer data the card shows nothing any more. Please reload the app in Zendesk.'],
    unsubstituted: (token) => ['Genesys did not replace the placeholder', `What arrived is literally ${token}. The integration has to be of the type “Interaction Widget”, and its URL has to contain the placeholder exactly like this.`],
    noConversation: ['No conversation given', 'The integration’s URL lacks conversationId={{pcConversationId}}.'],
    noScript: (name) => [`The script of ${name} is missing`, 'It could not be loaded, so the card is not told who this is about. You can search yourself.'],
    noAnswer: (name) => [`${name} does not answer`, 'The card is not told who this is about. You can search yourself.'],
    nobody: ['Nobody given', 'This conversation has neither an address nor a number. You can search yourself.'],
    button: 'Sign in',
    blocked: 'The browser did not open the sign-in window. Please allow pop-ups for this page.',
    foreign: 'This sign-in is for another page. It has to be issued for the address of Retention Bridge.',
    broken: 'That was not a valid sign-in. Please try again.',
    whom: 'Phone, e-mail or customer number (system:number)',
    search: 'Search',
    notInserted: 'The text could not be inserted. Please copy it.',
  },
};

// The nearest of the languages there are, for something like "de-AT".
export const languageOf = (...wanted) => wanted.map((one) => String(one ?? '').slice(0, 2).toLowerCase()).find((one) => one in TEXTS) ?? 'en';

export const textsFor = (language) => TEXTS[language] ?? TEXTS.en;
