extension Boilerplate {
    /// Multipart bodies, as they stand between the parts.
    static let bodies = lines(
        """
        This is a multi-part message in MIME format.
        This is a cryptographically signed message in MIME format.
        This is an OpenPGP/MIME signed message (RFC 4880 and 3156)
        Content-Type: application/pdf; name="document.pdf"
        Content-Type: application/octet-stream; name="
        Content-Type: application/msword; name="
        Content-Type: application/vnd.openxmlformats-officedocument.wordprocessingml.document;\n\tname="document.docx"
        Content-Type: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;\n\tname="table.xlsx"
        Content-Type: application/vnd.ms-excel; name="
        Content-Type: application/zip; name="archive.zip"
        Content-Type: application/ms-tnef; name="winmail.dat"
        Content-Type: image/jpeg; name="image001.jpg"
        Content-Type: image/gif; name="image001.gif"
        Content-Type: image/png; name="image001.png"
        Content-Description: image001.png
        Content-Disposition: inline; filename="image001.png"; size=1234;\n\tcreation-date="Mon, 05 Jan 2026 10:00:00 GMT";\n\tmodification-date="Mon, 05 Jan 2026 10:00:00 GMT"
        Content-ID: <image001.png@01DA
        Content-Location: 
        X-Attachment-Id: 
        Content-Transfer-Encoding: base64
        Content-Disposition: attachment;\n filename*=UTF-8''
        Content-Disposition: attachment; filename="document.pdf"
        Content-Transfer-Encoding: base64\n\nJVBERi0xLj
        iVBORw0KGgoAAAANSUhEUgAA
        R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7
        /9j/4AAQSkZJRgABAQEA
        Content-Disposition: inline
        Content-Type: text/plain; charset="windows-1252"
        Content-Type: text/plain; charset=ISO-8859-15
        Content-Type: text/plain; charset="iso-8859-1"; format=flowed; delsp=yes
        Content-Type: text/html; charset="iso-8859-1"
        Content-Type: text/html;\n\tcharset="utf-8"
        Content-Type: text/plain;\n\tcharset="us-ascii"
        Content-Type: text/plain; charset="UTF-8"; format=flowed
        Content-Transfer-Encoding: 8bit

        --Apple-Mail=_\nContent-Transfer-Encoding: quoted-printable\nContent-Type: text/plain;\n\tcharset=utf-8
        --b1_\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit
        ----_NO_NAME_PART_0000
        ------=_NextPart_000_0000_01DA\nContent-Type: text/plain;\n\tcharset="us-ascii"\nContent-Transfer-Encoding: 7bit
        ------=_Part_0_1.2\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: quoted-printable
        --===============0==\nContent-Type: text/plain; charset="utf-8"\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64
        --------------\nContent-Type: text/plain; charset=UTF-8; format=flowed\nContent-Transfer-Encoding: 7bit
        --_000_PRD\nContent-Type: text/plain; charset="utf-8"\nContent-Transfer-Encoding: base64
        --_000_PRD\nContent-Type: text/html; charset="iso-8859-1"\nContent-Transfer-Encoding: quoted-printable
        --000000000000\nContent-Type: text/plain; charset="UTF-8"\nContent-Transfer-Encoding: quoted-printable
        --000000000000\nContent-Type: text/html; charset="UTF-8"\nContent-Transfer-Encoding: quoted-printable
        """)

    /// The fields that nearly every message has, in their usual orders.
    static let header = lines(
        """
        Bcc: 
        Resent-From: 
        Resent-Date: 
        Disposition-Notification-To: 
        Organization: 
        Lines: 
        Status: RO
        X-Status: 
        X-UID: 
        X-Keywords: 
        Envelope-To: 
        Delivery-Date: Mon, 05 Jan 2026 10:00:00 +0100
        Delivered-To: 
        X-Original-To: 
        Return-Path: <bounces@
        Return-Path: <>
        Subject: =?UTF-8?B?
        Subject: =?utf-8?Q?
        Subject: =?iso-8859-1?Q?
        Subject: =?windows-1252?Q?
        Subject: Undelivered Mail Returned to Sender
        From: MAILER-DAEMON@
        From: "" <noreply@
        To: undisclosed-recipients:;
        Date: Mon, 05 Jan 2026 10:00:00 GMT
        Date: Tue, 6 Jan 2015 11:00:00 -0500 (EST)
        Date: Wed, 7 Feb 2018 12:00:00 -0700
        Date: Thu, 8 Mar 2019 13:00:00 -0400
        Date: Fri, 9 Apr 2020 14:00:00 -0800 (PST)
        Date: Sat, 10 May 2021 15:00:00 +0200
        Date: Sun, 11 Jun 2022 16:00:00 +0530
        Date: Mon, 12 Jul 2023 17:00:00 +0800
        Date: Tue, 13 Aug 2024 18:00:00 +0900
        Date: Wed, 14 Sep 2025 19:00:00 +0300
        Date: Thu, 15 Oct 2010 20:00:00 +0200 (CEST)
        Date: Fri, 16 Nov 2005 21:00:00 +0100 (CET)
        Date: Sat, 17 Dec 2002 22:00:00 +0000 (UTC)
        Message-Id: <
        Message-ID: <CA@mail.gmail.com>
        Message-ID: <PRD.eurprd.prod.outlook.com>
        Content-Type: multipart/mixed; boundary="===============0=="
        Content-Type: multipart/related;\n\tboundary="----=_NextPart_000_0000_01DA";\n\ttype="multipart/alternative"
        Content-Type: multipart/mixed;\n boundary="------------
        Content-Type: multipart/mixed;\n\tboundary="_000_
        Content-Type: multipart/alternative;\n\tboundary="----=_NextPart_000_0000_01DA"
        Content-Type: multipart/alternative; boundary="Apple-Mail=_
        Content-Type: multipart/alternative; boundary="000000000000
        Content-Type: text/html; charset=UTF-8
        Content-Type: text/plain; charset="us-ascii"
        Content-Type: text/plain; charset=ISO-8859-1; format=flowed
        Content-Disposition: inline
        Content-Transfer-Encoding: quoted-printable
        Content-Transfer-Encoding: 8bit
        Mime-Version: 1.0 (Mac OS X Mail 16.0 \\(3774.600.62\\))
        MIME-Version: 1.0
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: 7bit
        Reply-To: 
        References: <
        In-Reply-To: <
        Message-ID: <
        Date: Mon, 5 Jan 2026 10:00:00 +0000
        From: 
        To: 
        Cc: 
        Subject: Re: 
        Subject: Fwd: 
        @gmail.com> @googlegroups.com @hotmail.com @outlook.com @yahoo.com> @gmx.de> @web.de> @icloud.com>
        https://www. http://www. .example.org .com/ .org/ .de/ .net/ .html
         the and that for with this have from not you are can will would there be is in of to a
        """)
}
