extension Boilerplate {
    /// HTML mail as editors and newsletters write it, plain and in quoted-printable.
    static let html = lines(
        """
        <!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
        <html xmlns="http://www.w3.org/1999/xhtml" xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:w="urn:schemas-microsoft-com:office:word" xmlns:m="http://schemas.microsoft.com/office/2004/12/omml" xmlns="http://www.w3.org/TR/REC-html40">
        <!doctype html>
        <html lang="en">
        <head>
        <title></title>
        <meta http-equiv="Content-Type" content="text/html; charset=utf-8">
        <meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">
        <meta http-equiv="X-UA-Compatible" content="IE=edge">
        <meta name="viewport" content="width=device-width, initial-scale=1.0">
        <meta name="Generator" content="Microsoft Word 15 (filtered medium)">
        <!--[if !mso]><style>v\\:* {behavior:url(#default#VML);} o\\:* {behavior:url(#default#VML);} w\\:* {behavior:url(#default#VML);} .shape {behavior:url(#default#VML);}</style><![endif]-->
        <!--[if gte mso 9]><xml><o:shapedefaults v:ext="edit" spidmax="1026" /></xml><![endif]-->
        <!--[if mso]><table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->
        <style type="text/css"><!--
        /* Font Definitions */
        @font-face {font-family:"Cambria Math"; panose-1:2 4 5 3 5 4 6 3 2 4;}
        @font-face {font-family:Calibri; panose-1:2 15 5 2 2 2 4 3 2 4;}
        /* Style Definitions */
        p.MsoNormal, li.MsoNormal, div.MsoNormal {margin:0cm; margin-bottom:.0001pt; font-size:11.0pt; font-family:"Calibri",sans-serif; mso-fareast-language:EN-US;}
        a:link, span.MsoHyperlink {mso-style-priority:99; color:#0563C1; text-decoration:underline;}
        a:visited, span.MsoHyperlinkFollowed {mso-style-priority:99; color:#954F72; text-decoration:underline;}
        span.EmailStyle17 {mso-style-type:personal-compose; font-family:"Calibri",sans-serif; color:windowtext;}
        .MsoChpDefault {mso-style-type:export-only;}
        @page WordSection1 {size:612.0pt 792.0pt; margin:70.85pt 70.85pt 2.0cm 70.85pt;}
        div.WordSection1 {page:WordSection1;}
        body, table, td, a { -webkit-text-size-adjust: 100%; -ms-text-size-adjust: 100%; }
        table, td { mso-table-lspace: 0pt; mso-table-rspace: 0pt; border-collapse: collapse; }
        img { -ms-interpolation-mode: bicubic; border: 0; height: auto; line-height: 100%; outline: none; text-decoration: none; }
        body { margin: 0; padding: 0; width: 100% !important; height: 100% !important; background-color: #ffffff; }
        .ExternalClass { width: 100%; } .ExternalClass, .ExternalClass p, .ExternalClass span, .ExternalClass td { line-height: 100%; }
        @media only screen and (max-width: 600px) { .container { width: 100% !important; display: block !important; } }
        --></style>
        </head>
        <body lang="EN-US" link="#0563C1" vlink="#954F72" style="word-wrap:break-word">
        <body bgcolor="#FFFFFF" text="#000000">
        <body style="margin:0;padding:0;background-color:#f4f4f4;font-family:Arial,Helvetica,sans-serif;font-size:14px;color:#333333;">
        <div class="WordSection1">
        <p class="MsoNormal"><span lang="EN-US"><o:p>&nbsp;</o:p></span></p>
        <p class="MsoNormal"><b>From:</b> <br><b>Sent:</b> <br><b>To:</b> <br><b>Subject:</b> RE: <o:p></o:p></p>
        <div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">
        <div dir="ltr"><div><br></div><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Mon, Jan 5, 2026 at 10:00 AM &lt;<a href="mailto:">
        <blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">
        <blockquote type="cite"><div class="moz-cite-prefix">On 1/5/26 10:00 AM, wrote:<br></div>
        <div class="moz-signature">-- <br></div><pre class="moz-quote-pre" wrap="">
        <div style="font-family: Calibri, Arial, Helvetica, sans-serif; font-size: 12pt; color: rgb(0, 0, 0);">
        <div class="elementToProof"><br></div><div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1">
        <center><table width="100%" border="0" cellspacing="0" cellpadding="0" align="center" bgcolor="#ffffff" style="max-width:600px;">
        <tbody><tr><td align="left" valign="top" style="padding:0 20px 20px 20px;font-family:Arial,Helvetica,sans-serif;font-size:14px;line-height:20px;color:#333333;">
        <tr><td align="center" style="padding: 10px 0; text-align: center; font-size: 12px; line-height: 18px; color: #999999;">
        <td width="20" style="font-size:1px;line-height:1px;">&nbsp;</td></tr></tbody></table></td></tr></table></center>
        <h1 style="margin:0;font-size:24px;font-weight:bold;"></h1><h2></h2><ul><li></li></ul><strong></strong><em></em>
        <a href="https://www." target="_blank" style="color:#0066cc;text-decoration:none;">Unsubscribe</a> | <a href="https://click.
        <img src="https://www.example.com/images/logo.png" width="1" height="1" alt="" border="0" style="display:block;">
        <img src="cid:image001.png@01DA.jpg" width="600" height="100" />
        <span style="font-size:10.0pt;font-family:&quot;Arial&quot;,sans-serif;color:#1F497D">
        <span style=3D"font-size:11.0pt;font-family:&quot;Calibri&quot;,sans-serif">=
        <p class=3D"MsoNormal"><span lang=3D"EN-US"><o:p>&nbsp;</o:p></span></p>
        <meta http-equiv=3D"Content-Type" content=3D"text/html; charset=3Dutf-8">
        <table width=3D"100%" border=3D"0" cellspacing=3D"0" cellpadding=3D"0" align=3D"center" style=3D"
        <td align=3D"left" valign=3D"top" style=3D"padding:0; font-family:Arial, Helvetica, sans-serif; font-size:14px; line-height:20px; color:#333333;">
        <div dir=3D"ltr"><br></div><a href=3D"https://www." target=3D"_blank" style=3D"color:#0066cc; text-decoration:none;">
        <div class=3D"gmail_quote"><blockquote class=3D"gmail_quote" style=3D"margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">
        <p>=C2=A0</p> =E2=80=99 =E2=80=9C =E2=80=9D =E2=80=93 =E2=80=A6 =C3=A4 =C3=B6 =C3=BC =C3=9F =C3=A9 =C3=A8 =C3=A0 =20
        &nbsp;&nbsp;&amp;&lt;&gt;&quot;&#39;&auml;&ouml;&uuml;&szlig;&eacute;&egrave;&agrave;&copy;
        <p></p><br><br></p></div></div></div></span></td></tr></table></body></html>
        """)
}
