using Google.Protobuf;
using Mesh.Proxy.V1;
using Mesh.Spiffe;

namespace Mesh.Proxy.Identity;

/// <summary>Join tokens: the one kept for the next start, else the operator's.</summary>
internal sealed class JoinTokenSource(EnrollmentFolder folder, string tokenFile) : IEnrollmentSource
{
    public EnrollmentTicket Read()
    {
        var text = folder.ReadToken(tokenFile);
        var token = JoinToken.ParseUnverified(text);
        return new EnrollmentTicket(
            token.Subject, token.Anchors, token.Addresses, csr => new EnrollRequest { Token = text, Csr = ByteString.CopyFrom(csr) });
    }

    /// <summary>The operator's token may be newer than the one kept from last time.</summary>
    public void Refused() => folder.ForgetToken();
}
