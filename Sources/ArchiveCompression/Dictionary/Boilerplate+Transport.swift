extension Boilerplate {
    /// Delivery reports, calendars, structured parts.
    static let reports = lines(
        """
        This is the mail system at host
        I'm sorry to have to inform you that your message could not be delivered to one or more recipients. It's attached below.
        For further assistance, please send mail to postmaster.
        This message was created automatically by mail delivery software.
        A message that you sent could not be delivered to one or more of its recipients. This is a permanent error.
        Delivery to the following recipient failed permanently:
        Content-Type: multipart/report; report-type=delivery-status; boundary="
        Content-Description: Notification
        Content-Type: message/delivery-status
        Content-Type: message/disposition-notification
        Content-Type: message/rfc822
        Content-Type: text/rfc822-headers
        Reporting-MTA: dns; 
        Arrival-Date: Mon, 5 Jan 2026 10:00:00 +0000
        Final-Recipient: rfc822; 
        Original-Recipient: rfc822;
        Action: failed
        Status: 5.1.1
        Remote-MTA: dns; 
        Diagnostic-Code: smtp; 550 5.1.1 <>: Recipient address rejected: User unknown in virtual mailbox table
        Diagnostic-Code: smtp; 552-5.2.2 The email account that you tried to reach is over quota.
        Auto-Submitted: auto-replied
        Auto-Submitted: auto-generated
        X-Auto-Response-Suppress: All
        Content-Type: text/calendar; charset="utf-8"; method=REQUEST
        BEGIN:VCALENDAR
        PRODID:-//Google Inc//Google Calendar 70.9054//EN
        VERSION:2.0
        CALSCALE:GREGORIAN
        METHOD:REQUEST
        BEGIN:VTIMEZONE
        TZID:Europe/Berlin
        BEGIN:STANDARD
        DTSTART:19701025T030000
        TZOFFSETFROM:+0200
        TZOFFSETTO:+0100
        RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
        END:STANDARD
        END:VTIMEZONE
        BEGIN:VEVENT
        DTSTART;TZID=Europe/Berlin:20260105T100000
        ORGANIZER;CN=:mailto:
        ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN=
        SEQUENCE:0
        STATUS:CONFIRMED
        SUMMARY:
        TRANSP:OPAQUE
        END:VEVENT
        END:VCALENDAR
        -----BEGIN PGP SIGNED MESSAGE-----
        Hash: SHA512
        -----BEGIN PGP SIGNATURE-----
        Version: GnuPG v2
        -----END PGP SIGNATURE-----
        -----BEGIN PGP MESSAGE-----
        -----END PGP MESSAGE-----
        Content-Type: multipart/signed; micalg=pgp-sha256; protocol="application/pgp-signature"; boundary="
        Content-Type: application/pgp-signature; name="signature.asc"
        Content-Description: OpenPGP digital signature
        Content-Disposition: attachment; filename="signature.asc"
        Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="
        Content-Type: application/pkcs7-signature; name="smime.p7s"
        Content-Disposition: attachment; filename="smime.p7s"
        Content-Description: S/MIME Cryptographic Signature
        diff --git a/ b/
        index 0000000..1111111 100644
        --- a/
        +++ b/
        @@ -1,7 +1,7 @@
        Signed-off-by: 
        Reviewed-by: 
        Acked-by: 
        """)

    /// Mailing lists, newsletters, ticket systems.
    static let lists = lines(
        """
        _______________________________________________
        mailing list
        https://lists.
        https://mail.python.org/mailman/listinfo/
        To unsubscribe send an email to 
        To UNSUBSCRIBE, email to 
        X-BeenThere: 
        X-Mailman-Version: 2.1.29
        Precedence: list
        Precedence: bulk
        List-Id: <
        List-Unsubscribe: <https://lists.example.org/options/>,\n\t<mailto:list-request@example.org?subject=unsubscribe>
        List-Unsubscribe-Post: List-Unsubscribe=One-Click
        List-Archive: <https://lists.example.org/archives/>
        List-Post: <mailto:
        List-Help: <mailto:list-request@example.org?subject=help>
        List-Subscribe: <https://lists.example.org/listinfo/>,\n\t<mailto:list-request@example.org?subject=subscribe>
        List-Owner: <mailto:
        Errors-To: 
        Sender: 
        Feedback-ID: 
        X-Campaign-ID: 
        X-CSA-Complaints: csa-complaints@eco.de
        X-Loop: 
        Mail-Followup-To: 
        Mailing-List: contact 
        X-Virus-Scanned: clamav-milter 0.103.8 at 
        X-Virus-Scanned: Debian amavisd-new at 
        X-Virus-Status: Clean
        X-Spam-Checker-Version: SpamAssassin 3.4.6 (2021-04-09) on 
        X-Spam-Level: 
        X-Spam-Level: *****
        X-Spam-Flag: YES
        X-Spam-Status: No, score=-1.9 required=5.0 tests=BAYES_00,DKIM_SIGNED,DKIM_VALID,\n\tDKIM_VALID_AU,DKIM_VALID_EF,FREEMAIL_FROM,HTML_MESSAGE,RCVD_IN_DNSWL_NONE,\n\tRCVD_IN_MSPIKE_H2,SPF_HELO_NONE,SPF_PASS,T_SCC_BODY_TEXT_LINE,URIBL_BLOCKED\n\tautolearn=ham autolearn_force=no version=3.4.6
        X-Spamd-Result: default: False [-1.00 / 15.00];\n\tR_SPF_ALLOW(-0.20)[+ip4:];\n\tDMARC_POLICY_ALLOW(-0.50)[];\n\tMIME_GOOD(-0.10)[multipart/alternative,text/plain];\n\tRCVD_TLS_LAST(0.00)[];\n\tASN(0.00)[asn:15169, ipnet:, country:US];\n\tTO_DN_SOME(0.00)[]
        X-Rspamd-Server: 
        X-Rspamd-Queue-Id: 
        X-Priority: 3 (Normal)
        X-MSMail-Priority: Normal
        Importance: Normal
        X-MimeOLE: Produced By Microsoft MimeOLE V6.00.2900.2180
        X-Mailer: Microsoft Outlook Express 6.00.2900.2180
        X-Mailer: Microsoft Outlook 16.0
        X-Mailer: Apple Mail (2.3774.600.62)
        X-Mailer: iPhone Mail (21A329)
        X-Mailer: git-send-email 2.43.0
        User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Thunderbird/102.15.1
        User-Agent: Mozilla Thunderbird
        User-Agent: Mutt/1.10.1 (2018-07-13)
        User-Agent: Roundcube Webmail/1.4.15
        User-Agent: K-9 Mail for Android
        Thread-Topic: 
        Thread-Index: Ad
        Accept-Language: en-US, de-DE
        Content-Language: en-US
        X-Originating-IP: [
        X-MS-Has-Attach:
        X-MS-TNEF-Correlator:
        x-ms-publictraffictype: Email
        x-ms-office365-filtering-correlation-id: 
        x-ms-exchange-senderadcheck: 1
        x-ms-exchange-antispam-relay: 0
        x-microsoft-antispam: BCL:0;
        x-forefront-antispam-report: CIP:255.255.255.255;CTRY:;LANG:en;SCL:1;SRV:;IPV:NLI;SFV:NSPM;
        x-ms-exchange-transport-forked: True
        X-MS-Exchange-Organization-AuthSource: 
        X-MS-Exchange-Organization-AuthAs: Internal
        X-MS-Exchange-Organization-SCL: -1
        X-MS-Exchange-CrossTenant-originalarrivaltime: 05 Jan 2026 10:00:00.0000 (UTC)
        X-MS-Exchange-CrossTenant-fromentityheader: Hosted
        X-MS-Exchange-CrossTenant-id: 
        X-MS-Exchange-Transport-CrossTenantHeadersStamped: 
        X-OriginatorOrg: 
        X-Proofpoint-Spam-Details: rule=notspam policy=default score=0 mlxscore=0 phishscore=0 bulkscore=0 suspectscore=0
        X-Google-Smtp-Source: AGHT+
        X-Gm-Message-State: AOJu0Y
        X-Google-DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\n        d=1e100.net; s=20230601; t=; x=;\n        h=to:subject:message-id:date:from:in-reply-to:references:mime-version\n         :x-gm-message-state:from:to:cc:subject:date:message-id:reply-to;
        X-Received: by 2002:a05:6402: with SMTP id 
        Received: by 2002:a05:6402: with SMTP id ;\n        Mon, 05 Jan 2026 02:00:00 -0800 (PST)
        Received: from mail-sor-f41.google.com (mail-sor-f41.google.com. [209.85.220.41])\n        by mx.google.com with SMTPS id \n        for <>\n        (Google Transport Security);\n        Mon, 05 Jan 2026 02:00:00 -0800 (PST)
        """)

    /// Trace and authentication fields.
    static let trace = lines(
        """
        ARC-Seal: i=1; a=rsa-sha256; t=; cv=none;\n        d=google.com; s=arc-20240605;\n        b=
        ARC-Seal: i=1; a=rsa-sha256; s=arcselector10001; d=microsoft.com; cv=none; b=
        ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=google.com; s=arc-20240605;\n        h=to:subject:message-id:date:from:mime-version:dkim-signature;\n        bh=
        ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=microsoft.com;\n s=arcselector10001;\n h=From:Date:Subject:Message-ID:Content-Type:MIME-Version:X-MS-Exchange-AntiSpam-MessageData-ChunkCount:X-MS-Exchange-AntiSpam-MessageData-0:X-MS-Exchange-AntiSpam-MessageData-1;\n bh=
        ARC-Authentication-Results: i=1; mx.google.com;\n       dkim=pass header.i=@ header.s= header.b=;\n       spf=pass (google.com: domain of designates as permitted sender) smtp.mailfrom=;\n       dmarc=pass (p=NONE sp=QUARANTINE dis=NONE) header.from=
        ARC-Authentication-Results: i=1; mx.microsoft.com 1; spf=pass\n smtp.mailfrom=; dmarc=pass action=none header.from=;\n dkim=pass header.d=; arc=none
        Received-SPF: pass (google.com: domain of designates as permitted sender) client-ip=;
        Received-SPF: Pass (protection.outlook.com: domain of designates as permitted sender) receiver=protection.outlook.com; client-ip=; helo=; pr=C
        Authentication-Results: spf=pass (sender IP is )\n smtp.mailfrom=; dkim=pass (signature was verified)\n header.d=;dmarc=pass action=none header.from=;compauth=pass reason=100
        Authentication-Results: mx.google.com;\n       dkim=pass header.i=@ header.s=20230601 header.b=;\n       spf=pass (google.com: domain of designates 209.85.220.41 as permitted sender) smtp.mailfrom=;\n       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=
        Authentication-Results: mail.example.org;\n\tdkim=pass (2048-bit key; unprotected) header.d= header.i=@ header.a=rsa-sha256 header.s= header.b=;\n\tdkim-atps=neutral;\n\tspf=none smtp.mailfrom=;\n\tdmarc=fail reason="No valid SPF, No valid DKIM" header.from= (policy=none)
        DomainKey-Signature: a=rsa-sha1; q=dns; c=nofws; s=; d=;\n h=
        DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=; s=mail; t=; bh=; h=From:To:Subject:Date:From; b=
        DKIM-Signature: v=1; a=rsa-sha256; q=dns/txt; c=relaxed/relaxed; d=;\n\ts=selector1; h=Date:From:Reply-To:To:Subject:List-Unsubscribe:List-Unsubscribe-Post:MIME-Version:Content-Type:Message-ID:Feedback-ID;\n\tbh=
        DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\n        d=gmail.com; s=20230601; t=; x=; darn=;\n        h=to:subject:message-id:date:from:in-reply-to:references:mime-version\n         :from:to:cc:subject:date:message-id:reply-to;\n        bh=
        DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=;\n s=selector1;\n h=From:Date:Subject:Message-ID:Content-Type:MIME-Version:X-MS-Exchange-SenderADCheck;\n bh=
        Received: from mail.protection.outlook.com (2603:10a6:: by smtp.outlook.office365.com with HTTPS; Mon, 5 Jan 2026 10:00:00 +0000
        Received: from EURPRD.prod.outlook.com (2603:10a6:)\n by EURPRD.eurprd.prod.outlook.com (2603:10a6:) with Microsoft SMTP Server (version=TLS1_2,\n cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.; Mon, 5 Jan 2026 10:00:00 +0000
        Received: from unknown (HELO ) (192.0.2.7)\n  by  with SMTP; 5 Jan 2026 10:00:00 -0000
        Received: (qmail 12345 invoked by uid 1000); 5 Jan 2026 10:00:00 -0000
        Received: from  ([192.0.2.7] helo=)\n\tby  with esmtpsa  (TLS1.3) tls TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384\n\t(Exim 4.94.2)\n\t(envelope-from <>)\n\tid \n\tfor ; Mon, 05 Jan 2026 10:00:00 +0100
        Received: from  ( [127.0.0.1])\n\tby  (8.14.4/8.14.4/Debian-4.1) with ESMTP id \n\t(version=TLSv1/SSLv3 cipher=DHE-RSA-AES256-SHA bits=256 verify=NO)\n\tfor <>; Mon, 5 Jan 2026 10:00:00 +0100
        Received: from localhost (localhost [127.0.0.1])\n\tby mail.example.org (Postfix) with ESMTP id \n\tfor <>; Mon,  5 Jan 2026 10:00:00 +0100 (CET)
        Received: from localhost.localdomain (localhost.localdomain [127.0.0.1])
        Received: from mail.example.org ([127.0.0.1])\n\tby localhost (mail.example.org [127.0.0.1]) (amavisd-new, port 10024)\n\twith ESMTP id 
        Received: by mail.example.org (Postfix, from userid 1000)\n\tid ; Mon,  5 Jan 2026 10:00:00 +0000 (UTC)
        Received: from mail.example.org\n\tby mail.example.org with LMTP\n\tid \n\t(envelope-from <>)\n\tfor <>; Mon, 05 Jan 2026 10:00:00 +0000
        Received: from [192.168.1.10] (unknown [192.0.2.7])\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\n\t(No client certificate requested)\n\t(Authenticated sender: )\n\tby mail.example.org (Postfix) with ESMTPSA id \n\tfor <>; Mon,  5 Jan 2026 10:00:00 +0100 (CET)
        Received: from mx.example.org (mx.example.org [192.0.2.7])\n\t(using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits))\n\t(No client certificate requested)\n\tby mail.example.org (Postfix) with ESMTPS id \n\tfor <>; Mon,  5 Jan 2026 10:00:00 +0000 (UTC)
        """)
}
