extension Boilerplate {
    /// What people and programs write, in several languages.
    static let prose = lines(
        """
        Dear Sir or Madam,
        Dear all,
        Dear colleagues,
        Hello everyone,
        Hi everyone,
        Thank you for your email. I am currently out of the office and will be back on
        Thank you for your message. Thank you very much for your help.
        Thanks for your quick reply. Thanks in advance.
        I hope this email finds you well. I hope you are doing well.
        Please find attached the following documents. Please see the attached file.
        Please let me know if you have any questions or need any further information.
        If you have any questions, please do not hesitate to contact us.
        Please do not reply to this email. This is an automatically generated message.
        This mailbox is not monitored and you will not receive a response.
        We look forward to hearing from you. I look forward to your reply.
        Just a quick reminder that the meeting will take place on Monday, Tuesday, Wednesday, Thursday, Friday,
        Could you please send me the information about this as soon as possible?
        I would like to know whether there is something that we should have done before the end of the week.
        You are receiving this email because you signed up for our newsletter.
        You received this message because you are subscribed to the group.
        To unsubscribe from this group and stop receiving emails from it, send an email to
        If you no longer wish to receive these emails, you can unsubscribe here at any time.
        If you are having trouble viewing this email, view it in your browser.
        Your order has been shipped. Your order number is. Your invoice is attached.
        Please click the link below to verify your email address. This link will expire in 24 hours.
        If you did not request this, please ignore this email. Your password has been reset.
        Terms of Service, Privacy Policy, All rights reserved. Copyright (c) 2024, 2025, 2026
        This message and any attachments are confidential and intended solely for the use of the individual or entity
        to whom they are addressed. If you have received this email in error, please notify the sender immediately
        and delete it from your system. If you are not the intended recipient you are notified that disclosing,
        copying, distributing or taking any action in reliance on the contents of this information is prohibited.
        Please consider the environment before printing this email.
        Sent from my iPhone
        Sent from my iPad
        Sent from my Android phone
        Get Outlook for iOS<https://aka.ms/
        Best regards, Kind regards, Warm regards, Many thanks, Sincerely, Yours sincerely, Cheers, Best wishes,
        Sehr geehrte Damen und Herren,
        Sehr geehrter Herr, Sehr geehrte Frau, Liebe Kolleginnen und Kollegen, Hallo zusammen,
        vielen Dank für Ihre Nachricht. Vielen Dank für Ihre E-Mail. Vielen Dank für die schnelle Antwort.
        im Anhang finden Sie die gewünschten Unterlagen. Anbei erhalten Sie die Rechnung.
        Für Rückfragen stehe ich Ihnen gerne zur Verfügung. Bei Fragen können Sie sich jederzeit an uns wenden.
        Bitte antworten Sie nicht auf diese E-Mail, sie wurde automatisch erstellt.
        Diese E-Mail enthält vertrauliche und/oder rechtlich geschützte Informationen. Wenn Sie nicht der richtige
        Adressat sind oder diese E-Mail irrtümlich erhalten haben, informieren Sie bitte sofort den Absender
        und vernichten Sie diese Mail. Geschäftsführer, Handelsregister, Amtsgericht, Steuernummer, USt-IdNr.
        Mit freundlichen Grüßen
        Mit freundlichen Gr=C3=BC=C3=9Fen
        Viele Grüße, Liebe Grüße, Beste Grüße, Herzliche Grüße
        Von meinem iPhone gesendet
        Bonjour, Madame, Monsieur, Bonjour à tous,
        Merci pour votre message. Je vous remercie par avance de votre réponse.
        Veuillez trouver ci-joint le document. N'hésitez pas à me contacter pour toute question.
        Ceci est un message automatique, merci de ne pas y répondre.
        Je vous prie d'agréer, Madame, Monsieur, l'expression de mes salutations distinguées.
        Cordialement, Bien cordialement, Bonne journée, Bien à vous, À bientôt,
        Envoyé de mon iPhone
        Estimado, Estimada, Buenos días, Buenas tardes, Hola a todos,
        Muchas gracias por su mensaje. Adjunto le envío el documento. Quedo a su disposición.
        Saludos cordiales, Un saludo, Atentamente, Enviado desde mi iPhone
        Gentile, Buongiorno, Buonasera, In allegato, Grazie mille, La ringrazio per la risposta.
        Cordiali saluti, Distinti saluti, Un caro saluto, Inviato da iPhone
        Prezado, Prezada, Bom dia, Boa tarde, Segue em anexo, Obrigado, Obrigada, Atenciosamente, Cumprimentos
        Beste, Geachte heer, Geachte mevrouw, In de bijlage, Met vriendelijke groet, Hartelijk dank, Groetjes
        Szanowni Państwo, Dzień dobry, W załączeniu, Dziękuję, Z poważaniem, Pozdrawiam
        Здравствуйте, Добрый день, Спасибо за ответ, С уважением, Отправлено с iPhone
        お世話になっております。よろしくお願いいたします。ありがとうございます。
        您好，谢谢，祝好，此致敬礼
        """)

    /// How replies and forwards begin.
    static let replies = lines(
        """
        -----Original Message-----
        -----Ursprüngliche Nachricht-----
        ---------- Forwarded message ---------
        ---------- Forwarded message ----------
        -------- Original Message --------
        -------- Weitergeleitete Nachricht --------
        Begin forwarded message:
        Anfang der weitergeleiteten Nachricht:
        ________________________________
        Von: \nGesendet: Montag, Dienstag, Mittwoch, Donnerstag, Freitag, Samstag, Sonntag\nAn: \nBetreff: AW: Re: WG:
        De : \nEnvoyé : lundi, mardi, mercredi, jeudi, vendredi, samedi, dimanche\nÀ : \nObjet : RE:
        De: \nEnviado el: lunes, martes, miércoles, jueves, viernes\nPara: \nAsunto: RE: RV:
        Da: \nInviato: lunedì, martedì, mercoledì, giovedì, venerdì\nA: \nOggetto: R: I:
        From: \nSent: Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday\nTo: \nCc: \nSubject: RE: FW: Fwd:
        January February March April May June July August September October November December
        Januar Februar März April Mai Juni Juli August September Oktober November Dezember
        Am 01.01.2026 um 10:00 schrieb 
        Am Mo., 5. Jan. 2026 um 10:00 Uhr schrieb 
        Le lun. 5 janv. 2026 à 10:00, a écrit :
        El lun, 5 ene 2026 a las 10:00, () escribió:
        Il giorno lun 5 gen 2026 alle ore 10:00 ha scritto:
        Op ma 5 jan 2026 om 10:00 schreef :
        On Mon, 5 Jan 2026 at 10:00, <> wrote:
        On Mon, Jan 5, 2026 at 10:00 AM <> wrote:
        On 1/5/26 10:00 AM, wrote:
        > 
        > > 
        >> 
        > Hi,
        > On 
        > wrote:
        > Thanks,
        > Best regards,
        -- 
        """)
}
