using System.Net.Sockets;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Options;

namespace Mesh.Silo.Admin;

/// <summary>
/// Who may use the admin API: whoever reaches the unix socket, which the data folder guards, and whoever shows the token over
/// TLS. In plaintext nobody.
/// </summary>
internal sealed class AdminAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, AdminToken token)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "admin";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Context.Features.Get<IConnectionSocketFeature>()?.Socket.AddressFamily == AddressFamily.Unix)
        {
            return Task.FromResult(Success("unix-socket"));
        }

        var header = Request.Headers.Authorization.ToString();
        const string bearer = "Bearer ";
        if (!Request.IsHttps || !header.StartsWith(bearer, StringComparison.OrdinalIgnoreCase))
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        return Task.FromResult(token.Matches(header[bearer.Length..].Trim())
            ? Success("admin-token")
            : AuthenticateResult.Fail("The admin token is wrong."));
    }

    private static AuthenticateResult Success(string name) => AuthenticateResult.Success(
        new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, name)], SchemeName)), SchemeName));
}
