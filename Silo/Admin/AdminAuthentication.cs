using System.Net.Sockets;
using System.Security.Claims;
using System.Text;
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

    /// <summary>The name of whoever came by the unix socket.</summary>
    public const string UnixSocket = "unix-socket";

    private const int MaxBasicBytes = 512;

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Context.Features.Get<IConnectionSocketFeature>()?.Socket.AddressFamily == AddressFamily.Unix)
        {
            return Task.FromResult(Success(UnixSocket));
        }

        if (!Request.IsHttps || Presented(Request.Headers.Authorization.ToString()) is not { } presented)
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        return Task.FromResult(token.Matches(presented)
            ? Success("admin-token")
            : AuthenticateResult.Fail("The admin token is wrong."));
    }

    // A browser asks its user where it is told to.
    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        await base.HandleChallengeAsync(properties);
        if (Request.Path.StartsWithSegments("/orleans", StringComparison.Ordinal))
        {
            Response.Headers.WWWAuthenticate = "Basic realm=\"MeshOrleans: any user name, the admin token as password\", charset=\"UTF-8\"";
        }
    }

    // Programs send the token as it is, browsers as the password of whatever user.
    private static string? Presented(string header)
    {
        if (header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return header["Bearer ".Length..].Trim();
        }

        Span<byte> decoded = stackalloc byte[MaxBasicBytes];
        return header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase)
            && Convert.TryFromBase64String(header["Basic ".Length..].Trim(), decoded, out var length)
            && decoded[..length].IndexOf((byte)':') is >= 0 and var colon
            ? Encoding.UTF8.GetString(decoded[(colon + 1)..length])
            : null;
    }

    private static AuthenticateResult Success(string name) => AuthenticateResult.Success(
        new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, name)], SchemeName)), SchemeName));
}
